/*
 * Interrupts pass two hands. Ours runs in the signal handler itself, so that a second Ctrl-C ends
 * the process even when a compiled loop never comes back to the event loop; it then calls libuv's,
 * which wakes the loop, where Lua cancels the main task.
 *
 *   SIGINT ──▶ on_interrupt ──1st──▶ libuv's handler ──▶ loop ──▶ the main task is cancelled
 *                           └─2nd──▶ _exit(130)
 *
 * A broken standard output ends the process as it ends any filter. Every other broken pipe (a
 * socket of the script's, a child's input) stays what luv made of it: an error of that write.
 */
#define _GNU_SOURCE

#include "process.h"

#include <errno.h>
#include <lauxlib.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { EXIT_INTERRUPTED = 130 };

static const char interrupted_text[] = "nylon-ring: cancelling the main task; a compiled loop "
                                       "without a call cannot be stopped that way, "
                                       "Ctrl-C again leaves at once\n";

static struct {
    int ignored;                 /* the parent wants no interrupts here */
    int terminal;                /* standard error is one: the echoed ^C needs a line of its own */
    void (*next)(int);           /* libuv's handler */
    volatile int *flag;          /* told of an interrupt, for calls that never turn the loop */
    volatile sig_atomic_t count; /* interrupts so far */
} interrupt;

static void write_error(const char *text, size_t len) {
    ssize_t written = write(STDERR_FILENO, text, len);
    (void)written; /* nobody is left to be told */
}

static void on_interrupt(int signum) {
    int saved = errno;
    if (interrupt.count > 0)
        _exit(EXIT_INTERRUPTED);
    interrupt.count = 1;
    if (interrupt.terminal)
        write_error("\n", 1);
    write_error(interrupted_text, sizeof interrupted_text - 1);
    *interrupt.flag = 1;
    interrupt.next(signum);
    errno = saved;
}

static void on_broken_pipe(int signum) {
    int saved = errno;
    struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT};
    if (poll(&out, 1, 0) == 1 && (out.revents & (POLLERR | POLLHUP)) != 0) {
        signal(signum, SIG_DFL);
        raise(signum);
    }
    errno = saved;
}

void cli_process_init(void) {
    struct sigaction action;
    interrupt.ignored = sigaction(SIGINT, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
    interrupt.terminal = isatty(STDERR_FILENO);
}

static int l_interruptible(lua_State *L) {
    lua_pushboolean(L, !interrupt.ignored);
    return 1;
}

/* guard(flag): takes the place before libuv's SIGINT handler, which must be there already, and
 * luv's choice for SIGPIPE. `flag` is the address of an int that outlives the process's Lua code.
 */
static int l_guard(lua_State *L) {
    luaL_checktype(L, 1, LUA_TLIGHTUSERDATA);
    interrupt.flag = lua_touserdata(L, 1);
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_flags = SA_RESTART;
    sigfillset(&action.sa_mask);
    action.sa_handler = on_broken_pipe;
    sigaction(SIGPIPE, &action, NULL);

    struct sigaction uv;
    if (sigaction(SIGINT, NULL, &uv) == 0 && uv.sa_handler != SIG_IGN && uv.sa_handler != SIG_DFL &&
        uv.sa_handler != on_interrupt) {
        interrupt.next = uv.sa_handler;
        uv.sa_handler = on_interrupt;
        sigaction(SIGINT, &uv, NULL);
    }
    return 0;
}

/* leave(code): flushes what C's streams hold and ends the process here. For when somebody may still
 * use what a destructor would tear down: a plugin's thread, or the Lua frames below this one. */
static int l_leave(lua_State *L) {
    int code = (int)luaL_checkinteger(L, 1);
    fflush(NULL);
    _exit(code);
}

int cli_process_open(lua_State *L) {
    static const luaL_Reg functions[] = {
        {"interruptible", l_interruptible},
        {"guard", l_guard},
        {"leave", l_leave},
        {NULL, NULL},
    };
    lua_createtable(L, 0, 3);
    luaL_register(L, NULL, functions);
    return 1;
}
