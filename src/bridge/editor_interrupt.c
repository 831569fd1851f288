/*
 *   SIGINT ──▶ on_interrupt ──▶ pipe ──▶ uv_poll ──▶ Lua takes it: the line is dropped, or what
 *                   │                                runs in the foreground is cancelled
 *                   ├─ flag: a loop of calls that are answered at once lets the event loop turn
 *                   └─ hook: Lua code that goes on for a while without the interrupt having been
 *                      taken gets an error. Where nothing helps the third Ctrl-C leaves.
 */
#define _GNU_SOURCE

#include "editor_interrupt.h"

#include "editor_hook.h"
#include "editor_terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

enum { LAST = 3, EXIT_INTERRUPTED = 130 };

static struct {
    int pipe[2];
    atomic_int count;            /* not taken yet */
    volatile sig_atomic_t stuck; /* since the loop last asked */
    volatile int *calls;         /* set: the next call lets the loop turn; or NULL */
    struct sigaction before;
} interrupt = {.pipe = {-1, -1}};

/* Takes all interrupts; answers how many there were. They are counted last: what an interrupt sets
 * in the middle of this stays, and at worst leads to one that has been taken already. */
static int take(void) {
    char bytes[64];
    while (read(interrupt.pipe[0], bytes, sizeof bytes) > 0)
        continue;
    if (interrupt.calls != NULL)
        *interrupt.calls = 0;
    nr__hook_drop(NR__HOOK_INTERRUPT);
    return atomic_exchange_explicit(&interrupt.count, 0, memory_order_relaxed);
}

static void raise_interrupt(lua_State *L) {
    if (take() > 0)
        luaL_error(L, "interrupted");
}

static void on_interrupt(int signum) {
    int saved = errno;
    if (!nr__hook_ask(NR__HOOK_INTERRUPT, signum))
        goto out;
    atomic_fetch_add_explicit(&interrupt.count, 1, memory_order_relaxed); /* pairs with `take` */
    if (++interrupt.stuck >= LAST) {
        nr__terminal_restore();
        _exit(EXIT_INTERRUPTED);
    }
    if (interrupt.calls != NULL)
        *interrupt.calls = 1;
    ssize_t written = write(interrupt.pipe[1], "!", 1);
    (void)written; /* a full pipe says the same */
out:
    errno = saved;
}

/* watch_interrupts([flag]) → the descriptor that becomes readable. `flag` is `core.interrupted`. */
static int l_watch(lua_State *L) {
    if (interrupt.pipe[0] >= 0)
        return luaL_error(L, "interrupts are watched already");
    if (nr__hook_open(L, NR__HOOK_INTERRUPT, raise_interrupt) != 0)
        return luaL_error(L, "interrupts are watched by another Lua state");
    if (pipe2(interrupt.pipe, O_CLOEXEC | O_NONBLOCK) != 0)
        return luaL_error(L, "no pipe for interrupts: %s", strerror(errno));
    interrupt.calls = lua_touserdata(L, 1);
    atomic_store_explicit(&interrupt.count, 0, memory_order_relaxed);
    interrupt.stuck = 0;
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_interrupt;
    action.sa_flags = SA_RESTART;
    sigfillset(&action.sa_mask);
    sigaction(SIGINT, &action, &interrupt.before);
    lua_pushinteger(L, interrupt.pipe[0]);
    return 1;
}

/* take_interrupts() → how many came since it was last called. */
static int l_take(lua_State *L) {
    lua_pushinteger(L, take());
    interrupt.stuck = 0;
    return 1;
}

/* leave_interrupts(): SIGINT goes where it went before. */
static int l_leave(lua_State *L) {
    if (interrupt.pipe[0] < 0)
        return 0;
    sigaction(SIGINT, &interrupt.before, NULL);
    nr__hook_close(L, NR__HOOK_INTERRUPT);
    close(interrupt.pipe[0]);
    close(interrupt.pipe[1]);
    interrupt.pipe[0] = interrupt.pipe[1] = -1;
    return 0;
}

void nr__interrupt_register(lua_State *L) {
    static const luaL_Reg functions[] = {{"watch_interrupts", l_watch},
                                         {"take_interrupts", l_take},
                                         {"leave_interrupts", l_leave},
                                         {NULL, NULL}};
    luaL_register(L, NULL, functions);
}
