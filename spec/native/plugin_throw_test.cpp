// An exception that leaves a plugin ends the process with the plugin's name, although somebody
// above the host would catch it, as a Lua state does.
extern "C" {
#include "last_words.h"
#include "plugin_support.h"
}

#include <cstdlib>
#include <cstring>

#include <sys/wait.h>
#include <unistd.h>

namespace {

void call(const char *target) {
    plugin_open("fixture_throw");
    if (std::strcmp(target, "/cancel") == 0) {
        nr_call_cancel(host_loop_worker(plugin_loop()), plugin_start(target, "x"));
    } else {
        plugin_call(target, "x");
    }
}

void call_and_catch(const char *target) {
    try {
        call(target);
    } catch (...) {
        _exit(1);
    }
}

// Ends with a signal, having said which plugin and which function it was.
void assert_ends_the_process(const char *target, const char *function) {
    int status = 0;
    const char *said = last_words(call_and_catch, target, &status);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    assert_non_null(std::strstr(said, "plugin 'fixture_throw'"));
    assert_non_null(std::strstr(said, function));
}

void from_handle(void **) {
    assert_ends_the_process("/handle", "handle");
    assert_ends_the_process("/answered", "handle");
}

void from_release(void **) {
    assert_ends_the_process("/release", "release");
}

void from_cancel(void **) {
    assert_ends_the_process("/cancel", "cancel");
}

} // namespace

int main() {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(from_handle),
        cmocka_unit_test(from_release),
        cmocka_unit_test(from_cancel),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
