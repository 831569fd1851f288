/* Files that are no plugin: each refused with its cause, nothing left of the attempt. */
#define _GNU_SOURCE
#include <elf.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "elf_file.h"
#include "host_support.h"
#include "platform.h"

#define NEIGHBOUR NR_LIBRARY_DIR "/libneighbour.so"

static char *folder;

static int make_folder(void **state) {
    (void)state;
    folder = support_folder_new();
    return 0;
}

static int remove_folder(void **state) {
    (void)state;
    support_folder_remove(folder);
    return 0;
}

/* Opening it fails with this code and these words, and leaves nothing. */
static void assert_refused(const char *path, int code, const char *words) {
    nr__library_t library;
    nr_error_t err;
    size_t files = support_entries(folder);
    support_residue_t before = support_residue();
    assert_int_equal(nr__library_open(path, &library, &err), code);
    assert_int_equal(err.code, code);
    if (strstr(err.message, words) == NULL || strchr(err.message, '\n') != NULL) {
        fail_msg("expected \"%s\" in: %s", words, err.message);
    }
    support_assert_nothing_left(before);
    assert_int_equal(support_entries(folder), files);
}

static void assert_file_refused(const void *bytes, size_t len, const char *words) {
    char *path = support_write(folder, "plugin.so", bytes, len);
    assert_refused(path, NR_E_LOAD_FAILED, words);
    free(path);
}

static void paths_that_lead_to_no_file_are_invalid(void **state) {
    (void)state;
    char *missing = support_path(folder, "missing.so");
    char *pipe = support_path(folder, "pipe.so");
    char *below = support_path(folder, "pipe.so/plugin.so");
    assert_int_equal(mkfifo(pipe, 0600), 0);
    assert_refused("", NR_E_INVALID_PATH, "the path is empty");
    assert_refused(NULL, NR_E_INVALID_PATH, "the path is empty");
    assert_refused(missing, NR_E_INVALID_PATH, "there is no file");
    assert_refused(folder, NR_E_INVALID_PATH, "is a directory");
    assert_refused(pipe, NR_E_INVALID_PATH, "not a regular file");
    assert_refused(below, NR_E_INVALID_PATH, "no path to a file");
    free(missing);
    free(pipe);
    free(below);
}

static void files_that_are_no_shared_library_are_named(void **state) {
    (void)state;
    static const char script[] = "#!/bin/sh\nexit 0\n";
    assert_file_refused("", 0, "is not a shared library (it is empty)");
    assert_file_refused(script, sizeof(script) - 1, "is not a shared library");
    assert_file_refused("\177ELF", 4, "is cut short");
    assert_refused(NR_OBJECT, NR_E_LOAD_FAILED, "is an object file: link it");
    char *program = support_copy("/proc/self/exe", folder, "program");
    assert_refused(program, NR_E_LOAD_FAILED, "is a program, not a shared library");
    free(program);
}

static void libraries_of_other_machines_are_named_with_both(void **state) {
    (void)state;
    size_t len;
    unsigned char *bytes = support_read(NEIGHBOUR, &len);
    Elf64_Ehdr *header = (Elf64_Ehdr *)(void *)bytes;
    Elf64_Ehdr own = *header;

    header->e_machine = own.e_machine == EM_AARCH64 ? EM_X86_64 : EM_AARCH64;
    assert_file_refused(bytes, len,
                        own.e_machine == EM_AARCH64 ? "built for x86-64 (64 bit), this process"
                                                    : "built for aarch64 (64 bit), this process");
    header->e_machine = EM_386;
    header->e_ident[EI_CLASS] = ELFCLASS32;
    assert_file_refused(bytes, len, "built for i386 (32 bit), this process runs on");
    *header = own;
    header->e_ident[EI_DATA] = own.e_ident[EI_DATA] == ELFDATA2LSB ? ELFDATA2MSB : ELFDATA2LSB;
    assert_file_refused(bytes, len, "built for another byte order");
    *header = own;
    header->e_type = ET_EXEC;
    assert_file_refused(bytes, len, "is a program");
    free(bytes);
}

static void a_file_that_is_cut_anywhere_in_its_segments_is_refused_before_it_is_mapped(void **s) {
    (void)s;
    size_t len;
    unsigned char *bytes = support_read(NEIGHBOUR, &len);
    const Elf64_Ehdr *header = (const Elf64_Ehdr *)(const void *)bytes;
    const Elf64_Phdr *segments = (const Elf64_Phdr *)(const void *)(bytes + header->e_phoff);
    size_t end = 0;
    for (size_t i = 0; i < header->e_phnum; i++) {
        size_t segment_end = segments[i].p_offset + segments[i].p_filesz;
        end = segments[i].p_type == PT_LOAD && segment_end > end ? segment_end : end;
    }
    for (size_t cut = sizeof(*header); cut < end; cut += 512) {
        assert_file_refused(bytes, cut, "is cut short or damaged");
    }
    assert_file_refused(bytes, end - 1, "is cut short or damaged");
    free(bytes);
}

static void a_symbol_that_nothing_defines_is_named(void **state) {
    (void)state;
    assert_refused(NR_LIBRARY_DIR "/libnowhere.so", NR_E_LOAD_FAILED,
                   "uses the symbol 'nr_test_defined_nowhere', which neither it nor a library");
    assert_refused(NR_LIBRARY_DIR "/libabove_nowhere.so", NR_E_LOAD_FAILED,
                   "libnowhere.so', which uses the symbol 'nr_test_defined_nowhere' that nothing");
}

static void a_library_that_is_not_found_is_named(void **state) {
    (void)state;
    char *path = support_copy(NR_LIBRARY_DIR "/liborphan.so", folder, "liborphan.so");
    assert_refused(path, NR_E_LOAD_FAILED, "needs 'libabsent.so', which was not found: install it");
    free(path);
}

/* A neighbour that is there but broken: the system's own words, about the user's file. */
static void other_reasons_of_the_system_are_passed_on(void **state) {
    (void)state;
    char *path = support_copy(NR_LIBRARY_DIR "/liborphan.so", folder, "liborphan.so");
    char *neighbour = support_write(folder, "libabsent.so", "not a library", 13);
    assert_refused(path, NR_E_LOAD_FAILED, "can not be loaded (");
    assert_refused(path, NR_E_LOAD_FAILED, "/libabsent.so: ");
    free(path);
    free(neighbour);
}

/* Every byte of the tables that are followed, damaged in turn: whatever the answers are, they come
 * from the file's own bytes. */
static void a_damaged_table_leads_nowhere_outside_the_file(void **state) {
    (void)state;
    static const unsigned char values[] = {0x00, 0x7f, 0xff};
    size_t len;
    unsigned char *bytes = support_read(NR_LIBRARY_DIR "/libunique.so", &len);
    char *path = support_write(folder, "damaged.so", bytes, len);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    size_t opened = 0;
    size_t refused = 0;
    for (size_t at = 16; at < len; at += at < 2048 ? 1 : 13) {
        for (size_t v = 0; v < sizeof(values); v++) {
            nr__elf_t elf;
            assert_int_equal(pwrite(fd, &values[v], 1, (off_t)at), 1);
            if (nr__elf_open(fd, path, &elf, NULL) != 0) {
                refused++;
                continue;
            }
            opened++;
            nr__elf_pinned(&elf);
            nr__elf_needs(&elf, "libc.so.6", 9);
            for (size_t i = 0; i < elf.symbols_len; i++) {
                nr__elf_exported(&elf, i);
            }
            nr__elf_close(&elf);
        }
        assert_int_equal(pwrite(fd, &bytes[at], 1, (off_t)at), 1);
    }
    assert_true(opened > 0 && refused > 0);
    close(fd);
    free(path);
    free(bytes);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_FOLDER(paths_that_lead_to_no_file_are_invalid),
        IN_FOLDER(files_that_are_no_shared_library_are_named),
        IN_FOLDER(libraries_of_other_machines_are_named_with_both),
        IN_FOLDER(a_file_that_is_cut_anywhere_in_its_segments_is_refused_before_it_is_mapped),
        IN_FOLDER(a_symbol_that_nothing_defines_is_named),
        IN_FOLDER(a_library_that_is_not_found_is_named),
        IN_FOLDER(other_reasons_of_the_system_are_passed_on),
        IN_FOLDER(a_damaged_table_leads_nowhere_outside_the_file),
    };
    return cmocka_run_group_tests_name("bad files", tests, NULL, NULL);
}
