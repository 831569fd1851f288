#define _GNU_SOURCE
#include "host_support.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "platform.h"

/* ---- Files ------------------------------------------------------------------------------- */

char *support_folder_new(void) {
    char *folder = strdup("/tmp/nylon-ring-test-XXXXXX");
    assert_non_null(folder);
    assert_non_null(mkdtemp(folder));
    assert_int_equal(chmod(folder, 0755), 0);
    return folder;
}

void support_folder_remove(char *folder) {
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        unlinkat(dirfd(dir), entry->d_name, 0);
    }
    closedir(dir);
    assert_int_equal(rmdir(folder), 0);
    free(folder);
}

char *support_path(const char *folder, const char *name) {
    char *path = NULL;
    assert_true(asprintf(&path, "%s/%s", folder, name) > 0);
    return path;
}

unsigned char *support_read(const char *path, size_t *len) {
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    *len = (size_t)ftell(file);
    rewind(file);
    unsigned char *bytes = malloc(*len + 1);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, *len, file), *len);
    fclose(file);
    return bytes;
}

char *support_write(const char *folder, const char *name, const void *bytes, size_t len) {
    char *path = support_path(folder, name);
    unlink(path);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
    return path;
}

char *support_copy(const char *from, const char *folder, const char *name) {
    size_t len;
    unsigned char *bytes = support_read(from, &len);
    char *path = support_write(folder, name, bytes, len);
    free(bytes);
    return path;
}

size_t support_entries(const char *folder) {
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    size_t count = 0;
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    }
    closedir(dir);
    return count;
}

/* ---- The process ------------------------------------------------------------------------- */

size_t support_mappings(const char *text) {
    FILE *maps = fopen("/proc/self/maps", "re");
    assert_non_null(maps);
    char *line = NULL;
    size_t size = 0;
    size_t count = 0;
    while (getline(&line, &size, maps) > 0) {
        count += strstr(line, text) != NULL;
    }
    free(line);
    fclose(maps);
    return count;
}

support_residue_t support_residue(void) {
    return (support_residue_t){
        .mappings = support_mappings("/"),
        .descriptors = support_entries("/proc/self/fd"),
        .threads = support_entries("/proc/self/task"),
    };
}

void support_assert_nothing_left(support_residue_t before) {
    support_residue_t now = support_residue();
    assert_int_equal(now.descriptors, before.descriptors);
    assert_true(now.threads <=
                before.threads); /* a helper of earlier work may have left meanwhile */
    if (!NR__SANITIZED) {        /* such a build keeps every library */
        assert_int_equal(now.mappings, before.mappings);
    }
}
