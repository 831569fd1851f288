/*
 * SIGINT and SIGTERM pass two hands. Ours runs in the signal handler itself, so that a second one
 * ends the process even when a compiled loop never comes back to the event loop; it then calls
 * libuv's, which wakes the loop, where Lua cancels the main task, or all of them.
 *
 *   SIGINT, SIGTERM ──▶ on_signal ──1st──▶ libuv's handler ──▶ loop ──▶ tasks are cancelled
 *                                 └─2nd──▶ _exit(130 or 143)
 *
 * Nobody may be there to send SIGTERM twice: a timer does, where the loop does not turn for a
 * while, or does not get to the end.
 *
 * A run of specs is a failure until it was finished: where something calls exit() in its middle, a
 * handler of exit changes the code. So does it with a destructor's exit() after a run that failed.
 *
 * A broken standard output ends the process as it ends any filter. Every other broken pipe (a
 * socket of the script's, a child's input) stays what luv made of it: an error of that write.
 */
#define _GNU_SOURCE

#include "process.h"
#include "watchdog.h"

#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif
#include <time.h>
#include <unistd.h>

enum { EXIT_SIGNALLED = 128 }; /* and the signal's number */

enum { LOOP_GRACE = 2000 }; /* milliseconds after the first SIGTERM, for the loop to see it */

static const char interrupted_text[] = "nylon-ring: interrupted; Ctrl-C again leaves at once\n";

static struct {
    int ignored;                  /* the parent wants no interrupts here */
    int told;                     /* the parent says that it was interrupted */
    int terminal;                 /* standard error is one: the echoed ^C needs a line of its own */
    void (*next)(int);            /* libuv's handler */
    volatile int *flag;           /* told of an interrupt, for calls that never turn the loop */
    volatile sig_atomic_t signum; /* that has come, or 0 */
} interrupt;

static const char late_text[] =
    "nylon-ring: terminated, but what runs did not end in time: it was left as it is\n";

static struct {
    timer_t timer; /* sends SIGTERM */
    int is_there;
} term;

static const char left_text[] =
    "nylon-ring test: exit() was called before the run was over, by a plugin or through the FFI: "
    "the other specs had no turn\n";

enum { UNFINISHED = -1 };

static struct {
    pid_t process;   /* whose exit is looked at, and not a fork's; 0: nobody's */
    atomic_int code; /* what `cli_process_finish` has answered; exit may be called on any thread */
} run;

static void (**before_exit)(void); /* safe in a signal handler; NULL: nothing to do */

/* Ends the process without destructors, and without the handlers of atexit. */
_Noreturn static void exit_at_once(int code) {
    if (before_exit != NULL)
        (*before_exit)();
    _exit(code);
}

void cli_write_error(const char *text, size_t len) {
    ssize_t written = write(STDERR_FILENO, text, len);
    (void)written; /* nobody is left to be told */
}

static void say_interrupted(void) {
    if (interrupt.told)
        return;
    if (interrupt.terminal)
        cli_write_error("\n", 1);
    cli_write_error(interrupted_text, sizeof interrupted_text - 1);
}

/* Sends SIGTERM once more in so many milliseconds; 0: no more. */
static void send_term_in(int ms) {
    struct itimerspec due = {.it_value = {ms / 1000, ms % 1000 * 1000000L}};
    if (term.is_there)
        timer_settime(term.timer, 0, &due, NULL);
}

/* The second one that comes. */
_Noreturn static void give_up(int signum) {
    struct itimerspec left;
    if (signum == SIGTERM && interrupt.signum == SIGTERM && term.is_there &&
        timer_gettime(term.timer, &left) == 0 && left.it_value.tv_sec == 0 &&
        left.it_value.tv_nsec == 0)
        cli_write_error(late_text, sizeof late_text - 1);
    exit_at_once(EXIT_SIGNALLED + signum);
}

static void on_signal(int signum) {
    int saved = errno;
    if (interrupt.signum != 0)
        give_up(signum);
    interrupt.signum = signum;
    if (signum == SIGINT)
        say_interrupted();
    else
        send_term_in(LOOP_GRACE);
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

/* Where the parent has closed a standard descriptor, the next file that is opened gets its number.
 * libuv aborts when it closes one of its own with such a number. */
static void fill_standard_descriptors(void) {
    int fd;
    do
        fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0)
        close(fd);
}

void cli_process_init(void) {
    struct sigaction action;
    fill_standard_descriptors();
    interrupt.ignored = sigaction(SIGINT, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
    interrupt.terminal = isatty(STDERR_FILENO);
}

static int l_interruptible(lua_State *L) {
    lua_pushboolean(L, !interrupt.ignored);
    return 1;
}

int cli_process_finish(int code) {
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fputs("nylon-ring: could not write all of the standard output; is there room, and is it "
              "open?\n",
              stderr);
        code = code == EXIT_SUCCESS ? EXIT_FAILURE : code;
    }
    atomic_store_explicit(&run.code, code, memory_order_relaxed);
    return code;
}

/* Runs in exit(). Only standard output is flushed in the middle of a run: another thread may be
 * reading from another stream, and holds its lock. */
static void on_exit_called(void) {
    int code = atomic_load_explicit(&run.code, memory_order_relaxed);
    if (getpid() != run.process || code == EXIT_SUCCESS)
        return;
    if (code == UNFINISHED) {
        fflush(stdout);
        cli_write_error(left_text, sizeof left_text - 1);
        _exit(EXIT_FAILURE);
    }
    fflush(NULL);
    _exit(code);
}

/* must_finish(): from now on exit() fails before `cli_process_finish`, and does not change a
 * failure that was answered there. To be called before a plugin is loaded, whose own handlers then
 * run before this one. */
static int l_must_finish(lua_State *L) {
    run.process = getpid();
    atomic_store_explicit(&run.code, UNFINISHED, memory_order_relaxed);
    if (atexit(on_exit_called) != 0)
        return luaL_error(L, "the C library has no room for a handler of exit");
    return 0;
}

/* Takes the place before libuv's handler, where libuv has one for this signal. */
static void take_over(int signum) {
    struct sigaction uv;
    if (sigaction(signum, NULL, &uv) != 0 || uv.sa_handler == SIG_IGN || uv.sa_handler == SIG_DFL ||
        uv.sa_handler == on_signal)
        return;
    interrupt.next = uv.sa_handler; /* the same for all signals */
    uv.sa_handler = on_signal;
    sigaction(signum, &uv, NULL);
}

/* guard(flag): takes the place before libuv's handlers of SIGINT and SIGTERM, which must be there
 * already, and luv's choice for SIGPIPE. `flag` is the address of an int that outlives the
 * process's Lua code. */
static int l_guard(lua_State *L) {
    luaL_checktype(L, 1, LUA_TLIGHTUSERDATA);
    interrupt.flag = lua_touserdata(L, 1);
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_flags = SA_RESTART;
    sigfillset(&action.sa_mask);
    action.sa_handler = on_broken_pipe;
    sigaction(SIGPIPE, &action, NULL);
    take_over(SIGINT);
    take_over(SIGTERM);
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGTERM};
    term.is_there = timer_create(CLOCK_MONOTONIC, &event, &term.timer) == 0;
    return 0;
}

/* terminate_in(ms): after SIGTERM the process ends in so many milliseconds; 0: when it likes. */
static int l_terminate_in(lua_State *L) {
    int ms = (int)luaL_checkinteger(L, 1);
    if (interrupt.signum == SIGTERM)
        send_term_in(ms);
    return 0;
}

/* signal_code(): the exit code for the signal that has come, whether the loop has seen it or not;
 * nil where none has. */
static int l_signal_code(lua_State *L) {
    if (interrupt.signum == 0)
        return 0;
    lua_pushinteger(L, EXIT_SIGNALLED + interrupt.signum);
    return 1;
}

/* leave(code): flushes what C's streams hold and ends the process here. For when somebody may still
 * use what a destructor would tear down: a plugin's thread, or the Lua frames below this one. */
static int l_leave(lua_State *L) {
    int code = (int)luaL_checkinteger(L, 1);
    code = cli_process_finish(code);
    fflush(NULL);
    exit_at_once(code);
}

/* before_exit(hook): `hook` is the address of a pointer to a function without arguments, which is
 * called before the process ends on the spot, also in a signal handler. */
static int l_before_exit(lua_State *L) {
    luaL_checktype(L, 1, LUA_TLIGHTUSERDATA);
    before_exit = lua_touserdata(L, 1);
    return 0;
}

/* end_with(pid): makes this process a part of its parent, which that has to be: it ends when the
 * parent does, also when that is killed or Lua is busy here, and leaves it to the parent to say
 * that both were interrupted. */
static int l_end_with(lua_State *L) {
    pid_t parent = (pid_t)luaL_checkinteger(L, 1);
    interrupt.told = 1;
#ifdef __linux__
    prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
    if (getppid() != parent)
        _exit(EXIT_FAILURE);
    return 0;
}

int cli_process_open(lua_State *L) {
    static const luaL_Reg functions[] = {
        {"interruptible", l_interruptible},
        {"guard", l_guard},
        {"signal_code", l_signal_code},
        {"terminate_in", l_terminate_in},
        {"leave", l_leave},
        {"before_exit", l_before_exit},
        {"must_finish", l_must_finish},
        {"end_with", l_end_with},
        {"watchdog", cli_watchdog},
        {NULL, NULL},
    };
    lua_newtable(L);
    luaL_register(L, NULL, functions);
    return 1;
}
