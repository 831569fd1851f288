/* A plugin that crashes is named in the last words of the process, which then ends as it would have
 * ended. */
#include "last_words.h"
#include "plugin_support.h"

#include <nylon_ring/nr_crash.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <sys/wait.h>
#include <unistd.h>

static void crash(const char *target) {
    nr_report_crashes(STDERR_FILENO);
    nr_report_crashes(STDERR_FILENO); /* once is enough */
    plugin_open("fixture_crash");
    plugin_call(target, "x");
}

static void crash_elsewhere(const char *plugin) {
    nr_report_crashes(STDERR_FILENO);
    plugin_open(plugin);
    raise(SIGSEGV);
}

static void assert_ended_by(int status, int signal) {
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), signal);
}

/* Answers what is said behind the signal. */
static const char *assert_names_the_plugin(const char *target, int signal, const char *name) {
    int status;
    const char *said = last_words(crash, target, &status);
    char head[128];
    (void)snprintf(head, sizeof(head), "nylon-ring: plugin 'fixture_crash' crashed: %s", name);
    const char *line = strstr(said, head);
    assert_ended_by(status, signal);
    assert_non_null(line);
    assert_null(strstr(line + 1, head)); /* told once */
    return line + strlen(head);
}

/* Answers what is said behind the place in the plugin's file. */
static const char *assert_names_the_place(const char *said) {
    assert_int_equal(strncmp(said, " at ", 4), 0);
    said = strstr(said, "/fixture_crash.so+0x");
    assert_non_null(said);
    return said + strcspn(said, ",\n");
}

static void assert_names_the_call(const char *said) {
    static const char in_handle[] = ", in handle of call ";
    assert_int_equal(strncmp(said, in_handle, sizeof(in_handle) - 1), 0);
}

static void inside_handle(void **state) {
    (void)state;
    static const struct {
        const char *target, *name;
        int signal;
    } ways[] = {
        {"/write", "SIGSEGV", SIGSEGV},    {"/abort", "SIGABRT", SIGABRT},
        {"/overflow", "SIGSEGV", SIGSEGV}, {"/host", "SIGSEGV", SIGSEGV},
        {"/kill", "SIGSEGV", SIGSEGV},
    };
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        assert_names_the_call(assert_names_the_place(
            assert_names_the_plugin(ways[i].target, ways[i].signal, ways[i].name)));
    }
}

/* The stack of who has jumped to nowhere cannot be read; trying to may fault again. */
static void after_a_jump_to_nowhere(void **state) {
    (void)state;
#ifdef __SANITIZE_THREAD__
    skip(); /* it lets no fault through to the handler of another one */
#endif
    assert_names_the_call(assert_names_the_plugin("/jump", SIGSEGV, "SIGSEGV"));
}

static void on_a_thread_of_the_plugin(void **state) {
    (void)state;
    const char *rest =
        assert_names_the_place(assert_names_the_plugin("/thread", SIGSEGV, "SIGSEGV"));
    assert_int_equal(*rest, '\n'); /* no call was in progress there */
}

static void blames_no_plugin_for_what_others_do(void **state) {
    (void)state;
    int status;
    const char *said = last_words(crash_elsewhere, "fixture_noop", &status);
    assert_ended_by(status, SIGSEGV);
    assert_null(strstr(said, "nylon-ring:"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(inside_handle),
        cmocka_unit_test(after_a_jump_to_nowhere),
        cmocka_unit_test(on_a_thread_of_the_plugin),
        cmocka_unit_test(blames_no_plugin_for_what_others_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
