/* What a plugin's file tells without being started: for `nylon-ring inspect` and for people. */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "elf_file.h"
#include "error.h"
#include "loader.h"

/* Appends a copy of `text`; the array has room. 0, or -1 out of memory. */
static int append(char **array, size_t *len, const char *text) {
    char *copy = strdup(text);
    if (copy == NULL) {
        return -1;
    }
    array[(*len)++] = copy;
    return 0;
}

static int compare(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int fill_symbols(nr_inspection_t *out, const nr__elf_t *elf) {
    out->symbols = calloc(elf->symbols_len + 1, sizeof(char *));
    if (out->symbols == NULL) {
        return -1;
    }
    for (size_t i = 0; i < elf->symbols_len; i++) {
        const char *name = nr__elf_exported(elf, i);
        if (name != NULL && append(out->symbols, &out->symbols_len, name) != 0) {
            return -1;
        }
    }
    qsort(out->symbols, out->symbols_len, sizeof(char *), compare);
    return 0;
}

static int fill_extensions(nr_inspection_t *out, const nr__image_t *image) {
    const struct {
        const char *id;
        int there;
    } known[] = {
        {NR_EXT_CANCEL, image->cancel != NULL},
        {NR_EXT_DUPLEX, image->duplex != NULL},
        {NR_EXT_WRITABLE, image->writable != NULL},
    };
    size_t count = sizeof(known) / sizeof(known[0]);
    out->extensions = calloc(count, sizeof(char *));
    if (out->extensions == NULL) {
        return -1;
    }
    for (size_t i = 0; i < count; i++) {
        if (known[i].there && append(out->extensions, &out->extensions_len, known[i].id) != 0) {
            return -1;
        }
    }
    return 0;
}

static int fill_facts(nr_inspection_t *out, const nr__image_t *image) {
    out->path = strdup(image->path);
    out->name = strdup(image->own_name);
    out->version = strdup(image->version);
    out->abi = image->abi;
    out->struct_size = image->struct_size;
    out->has_v1 = nr__library_symbol(&image->library, NR_PLUGIN_SYMBOL_V1) != NULL;
    out->has_v2 = nr__library_symbol(&image->library, NR_PLUGIN_SYMBOL_V2) != NULL;
    out->pinned = image->pinned;
    out->has_shutdown = image->has_shutdown;
    out->has_stream_input = image->takes_input;
    out->has_resolve = image->v2 != NULL && image->v2->resolve_entry != NULL;
    return out->path != NULL && out->name != NULL && out->version != NULL ? 0 : -1;
}

static int fill(nr_inspection_t *out, const nr__image_t *image, const nr__elf_t *elf) {
    int rc = fill_facts(out, image);
    rc = rc == 0 ? fill_symbols(out, elf) : rc;
    return rc == 0 ? fill_extensions(out, image) : rc;
}

static int open_elf(const char *path, nr__elf_t *out, nr_error_t *err) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return nr__fail(err, NR_E_SYSTEM, "'%s' can not be read: %s", path, strerror(errno));
    }
    int rc = nr__elf_open(fd, path, out, err);
    close(fd);
    return rc;
}

int nr_inspect(const char *path, nr_inspection_t **out, nr_error_t *err) {
    nr__image_t *image;
    nr__elf_t elf = {0};
    int rc = nr__image_open(path, 0, &image, err);
    if (rc != 0) {
        return rc;
    }
    nr_inspection_t *inspection = NULL;
    rc = open_elf(image->path, &elf, err);
    if (rc == 0) {
        nr__loader_extensions(image);
        inspection = calloc(1, sizeof(*inspection));
        if (inspection == NULL || fill(inspection, image, &elf) != 0) {
            rc = nr__fail(err, NR_E_NO_MEMORY, "out of memory while '%s' was inspected", path);
        }
        nr__elf_close(&elf);
    }
    nr__image_discard(image);
    if (rc != 0) {
        nr_inspection_free(inspection);
        return rc;
    }
    *out = inspection;
    return 0;
}

static void free_all(char **array, size_t len) {
    for (size_t i = 0; i < len; i++) {
        free(array[i]);
    }
    free(array);
}

void nr_inspection_free(nr_inspection_t *inspection) {
    if (inspection == NULL) {
        return;
    }
    free_all(inspection->symbols, inspection->symbols_len);
    free_all(inspection->extensions, inspection->extensions_len);
    free(inspection->path);
    free(inspection->name);
    free(inspection->version);
    free(inspection);
}
