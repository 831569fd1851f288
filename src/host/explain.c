/*
 * The loader reports texts only, and about the private copy. What can be told apart is told with a
 * cure; anything else is passed on with the copy's name replaced. The texts are glibc's,
 * untranslated; another one takes the last way, complete all the same.
 */
#define _GNU_SOURCE
#include "explain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "error.h"

/* What follows `mark` in `text`, up to the end or the first of `stops`; its length in `*len`. */
static const char *after(const char *text, const char *mark, const char *stops, size_t *len) {
    const char *found = strstr(text, mark);
    if (found == NULL) {
        return NULL;
    }
    found += strlen(mark);
    *len = strcspn(found, stops);
    return *len > 0 ? found : NULL;
}

/* The library whose file was not found, or NULL when the text is about something else. */
static const char *missing_library(const char *text, const nr__elf_t *elf, size_t *len) {
    *len = strcspn(text, ":");
    if (*len == 0 || text[*len] == '\0') {
        return NULL;
    }
    int told = strstr(text, "cannot open shared object file") != NULL;
    return told || nr__elf_needs(elf, text, *len) ? text : NULL;
}

static int explain_missing(const char *library, size_t len, const char *original,
                           const nr__copy_t *copy, const nr__elf_t *elf, nr_error_t *err) {
    const char *how = nr__elf_needs(elf, library, len) ? "" : " through another library";
    if (copy->folder != NULL) {
        return nr__fail(err, NR_E_LOAD_FAILED,
                        "'%s' needs '%.*s'%s, which was not found: the plugin's folder can not be "
                        "written, so the plugin was opened as a copy in '%s', where it does not "
                        "find its neighbours; make its folder writable or set LD_LIBRARY_PATH",
                        original, (int)len, library, how, copy->folder);
    }
    return nr__fail(err, NR_E_LOAD_FAILED,
                    "'%s' needs '%.*s'%s, which was not found: install it, or put its folder into "
                    "LD_LIBRARY_PATH or the plugin's RUNPATH",
                    original, (int)len, library, how);
}

static int on_noexec(const char *path) {
    char *folder = strdup(path);
    if (folder == NULL) {
        return 0;
    }
    *(strrchr(folder, '/') + 1) = '\0';
    struct statvfs info;
    int noexec = statvfs(folder, &info) == 0 && (info.f_flag & ST_NOEXEC) != 0;
    free(folder);
    return noexec;
}

/* Any other text, with the copy's path replaced by the original's. */
static int explain_text(const char *text, const char *original, const nr__copy_t *copy,
                        nr_error_t *err) {
    char plain[1024];
    size_t used = 0;
    size_t copy_len = strlen(copy->path);
    while (*text != '\0' && used < sizeof(plain) - 1) {
        if (strncmp(text, copy->path, copy_len) == 0) {
            int n = snprintf(plain + used, sizeof(plain) - used, "%s", original);
            used = (size_t)n < sizeof(plain) - used ? used + (size_t)n : sizeof(plain) - 1;
            text += copy_len;
        } else {
            plain[used++] = *text++;
        }
    }
    plain[used] = '\0';
    return nr__fail(err, NR_E_LOAD_FAILED,
                    "'%s' can not be loaded (%s): build it for this system and its libraries",
                    original, plain);
}

/* The texts begin with the file that they are about. */
static int is_about(const char *text, const nr__copy_t *copy) {
    size_t len = strlen(copy->path);
    return strncmp(text, copy->path, len) == 0 && text[len] == ':';
}

static int explain_undefined(const char *text, const char *symbol, size_t len, const char *original,
                             const nr__copy_t *copy, nr_error_t *err) {
    if (is_about(text, copy)) {
        return nr__fail(err, NR_E_LOAD_FAILED,
                        "'%s' uses the symbol '%.*s', which neither it nor a library that it needs "
                        "defines: link what defines it into the plugin",
                        original, (int)len, symbol);
    }
    return nr__fail(err, NR_E_LOAD_FAILED,
                    "'%s' needs '%.*s', which uses the symbol '%.*s' that nothing defines: install "
                    "the version of that library that the plugin was built with",
                    original, (int)strcspn(text, ":"), text, (int)len, symbol);
}

int nr__explain(const char *text, const char *original, const nr__copy_t *copy,
                const nr__elf_t *elf, nr_error_t *err) {
    size_t len;
    const char *symbol = after(text, "undefined symbol: ", " ,", &len);
    if (symbol != NULL) {
        return explain_undefined(text, symbol, len, original, copy, err);
    }
    const char *library = is_about(text, copy) ? NULL : missing_library(text, elf, &len);
    if (library != NULL) {
        return explain_missing(library, len, original, copy, elf, err);
    }
    if (on_noexec(copy->path)) {
        return nr__fail(err, NR_E_LOAD_FAILED,
                        "'%s' can not be loaded: the folder of its copy '%s' is mounted noexec; "
                        "move the plugin%s, or mount it without noexec",
                        original, copy->folder != NULL ? copy->folder : original,
                        copy->folder != NULL ? " to a folder that can be written" : "");
    }
    return explain_text(text, original, copy, err);
}
