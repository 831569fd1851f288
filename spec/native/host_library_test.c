/* platform_linux.c, copy_linux.c, explain.c: opening libraries from private copies. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "host_support.h"
#include "platform.h"

#define DEPENDENT NR_LIBRARY_DIR "/libdependent.so"
#define NEIGHBOUR NR_LIBRARY_DIR "/libneighbour.so"

static char *folder;

static int make_folder(void **state) {
    (void)state;
    unsetenv("NYLON_RING_KEEP_COPIES");
    folder = support_folder_new();
    free(support_copy(DEPENDENT, folder, "libdependent.so"));
    free(support_copy(NEIGHBOUR, folder, "libneighbour.so"));
    return 0;
}

static int remove_folder(void **state) {
    (void)state;
    support_folder_remove(folder);
    return 0;
}

static nr__library_t open_dependent(void) {
    nr_error_t err;
    nr__library_t library;
    char *path = support_path(folder, "libdependent.so");
    int rc = nr__library_open(path, &library, &err);
    if (rc != 0) {
        fail_msg("%s", err.message);
    }
    assert_string_equal(library.path, path);
    free(path);
    return library;
}

static int count(const nr__library_t *library) {
    void *symbol = nr__library_symbol(library, "nr_test_count");
    assert_non_null(symbol);
    int (*function)(void);
    memcpy(&function, &symbol, sizeof(symbol));
    return function();
}

static void close_library(nr__library_t *library) {
    assert_int_equal(nr__library_close(library), !NR__SANITIZED);
}

static void the_copy_lies_beside_the_original_and_is_removed_at_once(void **state) {
    (void)state;
    char *copies = support_path(folder, ".nylon-ring-");
    support_residue_t before = support_residue();
    nr__library_t library = open_dependent();
    assert_int_equal(count(&library), 7); /* the neighbour was found by $ORIGIN */
    assert_int_equal(support_entries(folder), 2);
    assert_true(support_mappings(copies) > 0);
    assert_int_equal(strncmp(library.copy.path, copies, strlen(copies)), 0);
    close_library(&library);
    support_assert_nothing_left(before);
    free(copies);
}

static void the_copy_stays_while_it_is_open_where_that_is_asked_for(void **state) {
    (void)state;
    setenv("NYLON_RING_KEEP_COPIES", "1", 1);
    nr__library_t library = open_dependent();
    struct stat info;
    assert_int_equal(stat(library.copy.path, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0700);
    close_library(&library);
    assert_int_equal(support_entries(folder), 2);

    library = open_dependent();
    assert_int_equal(support_entries(folder), 3);
    nr__library_abandon(&library);
    assert_int_equal(support_entries(folder), 2);

    setenv("NYLON_RING_KEEP_COPIES", "0", 1);
    library = open_dependent();
    assert_int_equal(support_entries(folder), 2);
    close_library(&library);
}

/* In a process that its parent traces, as a debugger would: 0, or what was wrong. */
static int open_traced(void) {
    nr__library_t library;
    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0) {
        return 2;
    }
    if (nr__library_open(DEPENDENT, &library, NULL) != 0) {
        return 3;
    }
    int kept = access(library.copy.path, F_OK) == 0;
    nr__library_close(&library);
    return !kept;
}

static void the_copy_stays_where_a_debugger_is_at_work(void **state) {
    (void)state;
    pid_t child = fork();
    if (child == 0) {
        _exit(open_traced());
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 2) {
        skip(); /* tracing is forbidden here */
    }
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void every_opening_has_variables_of_its_own(void **state) {
    (void)state;
    nr__library_t first = open_dependent();
    nr__library_t second = open_dependent();
    assert_int_equal(count(&first), 7);
    assert_int_equal(count(&first), 14);
    assert_int_equal(count(&second), 7);
    close_library(&first);
    assert_int_equal(count(&second), 14);
    close_library(&second);
}

static void a_file_that_is_overwritten_does_not_change_under_an_open_library(void **state) {
    (void)state;
    nr__library_t library = open_dependent();
    char *path = support_path(folder, "libdependent.so");
    assert_int_equal(truncate(path, 0), 0);
    assert_int_equal(count(&library), 7);
    free(path);
    close_library(&library);
}

static void a_relative_path_is_one_from_the_working_directory(void **state) {
    (void)state;
    char *here = getcwd(NULL, 0);
    nr__library_t library;
    assert_int_equal(chdir(folder), 0);
    assert_int_equal(nr__library_open("./libdependent.so", &library, NULL), 0);
    assert_int_equal(chdir(here), 0);
    char *path = support_path(folder, "libdependent.so");
    assert_string_equal(library.path, path);
    close_library(&library);
    free(path);
    free(here);
}

/* ---- Folders that can not be used -------------------------------------------------------- */

/* Root may write anywhere, so the test goes on as somebody else. */
static void lose_rights(void) {
    assert_int_equal(chmod(folder, 0555), 0);
    if (geteuid() == 0) {
        assert_int_equal(seteuid(65534), 0);
    }
}

static void regain_rights(void) {
    if (getuid() == 0) {
        assert_int_equal(seteuid(0), 0);
    }
    assert_int_equal(chmod(folder, 0755), 0);
}

/* A folder for temporary files that whoever runs the test may write. */
static char *use_temporary_folder(void) {
    char *temporary = support_folder_new();
    assert_int_equal(chmod(temporary, 0777), 0);
    setenv("TMPDIR", temporary, 1);
    return temporary;
}

static void drop_temporary_folder(char *temporary) {
    unsetenv("TMPDIR");
    assert_int_equal(support_entries(temporary), 0);
    support_folder_remove(temporary);
}

static void a_folder_that_can_not_be_written_leads_to_a_private_one(void **state) {
    (void)state;
    char *temporary = use_temporary_folder();
    char *path = support_path(folder, "libneighbour.so");
    nr__library_t library;
    nr_error_t err = {0};
    lose_rights();
    int rc = nr__library_open(path, &library, &err);
    regain_rights();
    assert_string_equal(err.message, "");
    assert_int_equal(rc, 0);
    assert_true(support_mappings(temporary) > 0);
    assert_int_equal(support_entries(temporary), 0);
    close_library(&library);
    free(path);
    drop_temporary_folder(temporary);
}

static void a_neighbour_that_is_missed_there_is_explained_by_the_folder(void **state) {
    (void)state;
    char *temporary = use_temporary_folder();
    char *path = support_copy(NR_LIBRARY_DIR "/liborphan.so", folder, "liborphan.so");
    free(support_copy(NR_LIBRARY_DIR "/libabsent.so", folder, "libabsent.so"));
    nr__library_t library;
    nr_error_t err;
    support_residue_t before = support_residue();
    lose_rights();
    int rc = nr__library_open(path, &library, &err);
    regain_rights();
    assert_int_equal(rc, NR_E_LOAD_FAILED);
    assert_non_null(strstr(err.message, "'libabsent.so'"));
    assert_non_null(strstr(err.message, "the plugin's folder can not be written"));
    assert_non_null(strstr(err.message, temporary));
    support_assert_nothing_left(before);
    free(path);
    drop_temporary_folder(temporary);
}

static void no_folder_at_all_is_an_error_that_names_both(void **state) {
    (void)state;
    char *path = support_path(folder, "libneighbour.so");
    nr__library_t library;
    nr_error_t err;
    setenv("TMPDIR", folder, 1);
    lose_rights();
    int rc = nr__library_open(path, &library, &err);
    regain_rights();
    unsetenv("TMPDIR");
    assert_int_equal(rc, NR_E_LOAD_FAILED);
    assert_non_null(strstr(err.message, "neither in its folder nor in a temporary one"));
    free(path);
}

static void a_file_that_may_not_be_read_is_named_as_such(void **state) {
    (void)state;
    char *path = support_path(folder, "libneighbour.so");
    nr__library_t library;
    nr_error_t err;
    assert_int_equal(chmod(path, 0), 0);
    lose_rights();
    int rc = nr__library_open(path, &library, &err);
    regain_rights();
    assert_int_equal(rc, NR_E_LOAD_FAILED);
    assert_non_null(strstr(err.message, "may not be read by this user"));
    free(path);
}

/* Mounts `folder` anew, noexec, for this process alone; 0, or -1 where that is not allowed. */
static int mount_noexec(void) {
    if (unshare(CLONE_NEWNS) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) {
        return -1;
    }
    if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) {
        return -1;
    }
    return mount("none", folder, "tmpfs", MS_NOEXEC, "mode=0755");
}

/* In a process of its own, for the mount's sake: its verdict, or its error's text, goes to `fd`. */
static void open_on_noexec(int fd) {
    nr_error_t err = {.message = "not refused"};
    nr__library_t library;
    if (mount_noexec() != 0) {
        snprintf(err.message, sizeof(err.message), "no mount");
    } else {
        nr__library_open(support_copy(NEIGHBOUR, folder, "plugin.so"), &library, &err);
    }
    ssize_t n = write(fd, err.message, strlen(err.message));
    _exit(n < 0);
}

static void a_folder_that_is_mounted_noexec_is_named_as_such(void **state) {
    (void)state;
    int ends[2];
    char text[512] = "";
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t child = fork();
    if (child == 0) {
        open_on_noexec(ends[1]);
    }
    close(ends[1]);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_true(read(ends[0], text, sizeof(text) - 1) > 0);
    close(ends[0]);
    if (strcmp(text, "no mount") == 0) {
        skip();
    }
    assert_non_null(strstr(text, "is mounted noexec; move the plugin"));
}

/* ---- What can not be unmapped ------------------------------------------------------------ */

static void libraries_that_can_not_go_say_why(void **state) {
    (void)state;
    static const struct {
        const char *path, *reason;
    } cases[] = {
        {NR_LIBRARY_DIR "/libgo_note.so", "Go runtime"},
        {NR_LIBRARY_DIR "/libnodelete.so", "-z nodelete"},
        {NR_LIBRARY_DIR "/libunique.so", "unique symbols"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        nr__library_t library;
        assert_int_equal(nr__library_open(cases[i].path, &library, NULL), 0);
        assert_non_null(library.pinned);
        assert_non_null(strstr(library.pinned, cases[i].reason));
        nr__library_abandon(&library);
    }
    nr__library_t library = open_dependent();
    assert_null(library.pinned);
    close_library(&library);
}

static void closing_looks_whether_the_library_is_really_gone(void **state) {
    (void)state;
    nr__library_t library;
    assert_int_equal(nr__library_open(NR_LIBRARY_DIR "/libnodelete.so", &library, NULL), 0);
    assert_int_equal(nr__library_close(&library), 0);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_FOLDER(the_copy_lies_beside_the_original_and_is_removed_at_once),
        IN_FOLDER(the_copy_stays_while_it_is_open_where_that_is_asked_for),
        IN_FOLDER(the_copy_stays_where_a_debugger_is_at_work),
        IN_FOLDER(every_opening_has_variables_of_its_own),
        IN_FOLDER(a_file_that_is_overwritten_does_not_change_under_an_open_library),
        IN_FOLDER(a_relative_path_is_one_from_the_working_directory),
        IN_FOLDER(a_folder_that_can_not_be_written_leads_to_a_private_one),
        IN_FOLDER(a_neighbour_that_is_missed_there_is_explained_by_the_folder),
        IN_FOLDER(no_folder_at_all_is_an_error_that_names_both),
        IN_FOLDER(a_file_that_may_not_be_read_is_named_as_such),
        IN_FOLDER(a_folder_that_is_mounted_noexec_is_named_as_such),
        IN_FOLDER(libraries_that_can_not_go_say_why),
        IN_FOLDER(closing_looks_whether_the_library_is_really_gone),
    };
    return cmocka_run_group_tests_name("library", tests, NULL, NULL);
}
