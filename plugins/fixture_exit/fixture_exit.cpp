// fixture_exit: calls C's exit with 0, as if all were well.
//
//     /handle     inside handle
//     /thread     on a thread of its own
//     /fork       in a child that it forks; answers with the child's exit code
//     /shutdown   when it is shut down
//     /late       when its static objects are destroyed, which is at the process's end: it stays
//     mapped
#include <cstdlib>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../fixture.h"

static bool in_shutdown;

static struct Late {
    bool armed;
    ~Late() {
        if (armed)
            exit(0);
    }
} late;

static NrStatus in_handle(uint64_t, const NrRequest *, NrBytes) {
    exit(0);
}

static void *thread_main(void *) {
    exit(0);
}

static NrStatus on_thread(uint64_t, const NrRequest *, NrBytes) {
    pthread_t thread;
    return pthread_create(&thread, nullptr, thread_main, nullptr) == 0 ? NR_OK : NR_ERR;
}

static NrStatus in_fork(uint64_t sid, const NrRequest *, NrBytes) {
    pid_t child = fork();
    if (child == 0)
        exit(0);
    int status = -1;
    if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status))
        return NR_ERR;
    answer_number(sid, static_cast<uint64_t>(WEXITSTATUS(status)));
    return NR_OK;
}

static NrStatus at_shutdown(uint64_t sid, const NrRequest *, NrBytes) {
    in_shutdown = true;
    nr_answer_str(&host, sid, NR_OK, "");
    return NR_OK;
}

static NrStatus at_the_end(uint64_t sid, const NrRequest *, NrBytes) {
    late.armed = true;
    nr_answer_str(&host, sid, NR_OK, "");
    return NR_OK;
}

static void shutdown(void *) {
    if (in_shutdown)
        exit(0);
}

FIXTURE_EXPORT_WITH("fixture_exit", fixture_init, shutdown, {"/handle", in_handle},
                    {"/thread", on_thread}, {"/fork", in_fork}, {"/shutdown", at_shutdown},
                    {"/late", at_the_end})
