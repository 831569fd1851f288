/* A plugin that crashes is named in the last words of the process, which then ends as it would have
 * ended. */
#define _POSIX_C_SOURCE 200809L
#include "last_words.h"
#include "plugin_support.h"

#include <nylon_ring/nr_crash.h>

#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
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

/* Fills a pipe, so that whoever writes more waits. Answers how much that was. */
static size_t fill(int end) {
    static const char bytes[4096];
    size_t len = 0;
    ssize_t got;
    (void)fcntl(end, F_SETFL, O_NONBLOCK);
    while ((got = write(end, bytes, sizeof(bytes))) > 0) {
        len += (size_t)got;
    }
    (void)fcntl(end, F_SETFL, 0);
    return len;
}

/* Waits for a child's end as long as an unhindered one could take. */
static pid_t wait_a_moment(pid_t child, int *status) {
    pid_t ended = 0;
    for (int i = 0; i < 200 && ended == 0; i++) {
        ended = waitpid(child, status, WNOHANG);
        (void)poll(NULL, 0, 1);
    }
    return ended;
}

/* The first one to crash can not write yet: the others must not end the process meanwhile. */
static void on_many_threads_at_once(void **state) {
    (void)state;
    static char said[1 << 20];
    int ends[2], status;
    assert_int_equal(pipe(ends), 0);
    size_t len = fill(ends[1]), got = 0;
    pid_t child = fork();
    if (child == 0) {
        (void)signal(SIGSEGV, SIG_DFL);
        nr_report_crashes(ends[1]);
        plugin_open("fixture_crash");
        plugin_call("/threads", "x");
        _exit(0);
    }
    close(ends[1]);
    pid_t ended = wait_a_moment(child, &status);
    for (ssize_t more = 1; more > 0 && got < sizeof(said) - 1; got += (size_t)more) {
        more = read(ends[0], said + got, sizeof(said) - 1 - got);
    }
    close(ends[0]);
    assert_int_equal(ended != 0 ? ended : waitpid(child, &status, 0), child);
    assert_ended_by(status, SIGSEGV);
    assert_true(got > len);
    assert_non_null(strstr(said + len, "plugin 'fixture_crash' crashed: SIGSEGV at "));
}

static volatile uintptr_t nowhere = 16;

static sigjmp_buf back;
static volatile int recovered;

static void recover(int number) {
    if (!recovered) {
        recovered = 1;
        siglongjmp(back, 1);
    }
    (void)signal(number, SIG_DFL);
}

static void crash_after_a_recovery(const char *target) {
    (void)signal(SIGSEGV, recover);
    nr_report_crashes(STDERR_FILENO);
    if (sigsetjmp(back, 1) == 0) {
        *(volatile int *)nowhere = 1;
    }
    plugin_open("fixture_crash");
    plugin_call(target, "x");
}

/* Some runtimes live by faults, which are nobody's crash and not the last of the process. */
static void after_a_fault_that_another_handler_takes(void **state) {
    (void)state;
#ifdef __SANITIZE_THREAD__
    skip(); /* it lets no fault through to the handler of another one */
#endif
    int status;
    const char *said = last_words(crash_after_a_recovery, "/write", &status);
    assert_ended_by(status, SIGSEGV);
    const char *line = strstr(said, "nylon-ring: plugin 'fixture_crash' crashed: SIGSEGV at ");
    assert_non_null(line);
    assert_null(strstr(line + 1, "nylon-ring:"));
}

static const char said_by_other[] = "the other handler\n";

static void say(int number) {
    (void)number;
    (void)!write(STDERR_FILENO, said_by_other, sizeof(said_by_other) - 1);
}

static void say_and_crash(int number) {
    say(number);
    *(volatile int *)nowhere = 1;
}

static void crash_with_another_handler(const char *which) {
    struct sigaction other = {.sa_handler = say};
    sigemptyset(&other.sa_mask);
    if (strcmp(which, "of no time") == 0) {
        other.sa_handler = SIG_DFL;
        other.sa_flags = SA_SIGINFO;
    } else if (strcmp(which, "of one time") == 0) {
        other.sa_flags = (int)SA_RESETHAND;
    } else {
        other.sa_handler = say_and_crash;
    }
    (void)sigaction(SIGSEGV, &other, NULL);
    (void)sigaction(SIGFPE, &other, NULL);
    nr_report_crashes(STDERR_FILENO);
    (void)alarm(5);
    if (other.sa_handler == SIG_DFL) {
        raise(SIGFPE);
    }
    *(volatile int *)nowhere = 1;
}

/* Answers what is said behind the first words of the other handler, or NULL. */
static const char *said_by_another_handler(const char *which, int signal) {
    int status;
    const char *said = last_words(crash_with_another_handler, which, &status);
    assert_ended_by(status, signal);
    said = strstr(said, said_by_other);
    return said != NULL ? said + strlen(said_by_other) : NULL;
}

/* A fault that it does not mend, and one of its own, end the process as without us. */
static void calls_another_handler_as_the_system_would(void **state) {
    (void)state;
#ifdef __SANITIZE_THREAD__
    skip(); /* it lets no fault through to the handler of another one */
#endif
    assert_null(said_by_another_handler("of no time", SIGFPE));
    assert_string_equal(said_by_another_handler("of one time", SIGSEGV), "");
    assert_string_equal(said_by_another_handler("that crashes", SIGSEGV), "");
}

static __attribute__((noinline)) void *place_of_caller(void) {
    return __builtin_return_address(0);
}

/* Its frame is its caller's, as far as can be read. */
static void crash_in_a_circle(const char *unused) {
    void *volatile *frame = __builtin_frame_address(0);
    (void)unused;
    nr_report_crashes(STDERR_FILENO);
    (void)alarm(5);
    frame[0] = (void *)(uintptr_t)frame;
    frame[1] = place_of_caller();
    *(volatile int *)nowhere = 1;
}

static void of_a_stack_that_leads_in_a_circle(void **state) {
    (void)state;
    int status;
    (void)last_words(crash_in_a_circle, "", &status);
    assert_ended_by(status, SIGSEGV);
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
        cmocka_unit_test(on_many_threads_at_once),
        cmocka_unit_test(after_a_fault_that_another_handler_takes),
        cmocka_unit_test(calls_another_handler_as_the_system_would),
        cmocka_unit_test(of_a_stack_that_leads_in_a_circle),
        cmocka_unit_test(blames_no_plugin_for_what_others_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
