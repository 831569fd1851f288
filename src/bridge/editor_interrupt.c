/*
 *   SIGINT ──▶ on_interrupt ──▶ pipe ──▶ uv_poll ──▶ Lua takes it: the line is dropped, or what
 *                   │                                runs in the foreground is cancelled
 *                   ├─ flag: a loop of calls that are answered at once lets the event loop turn
 *                   └─ hook: Lua code that goes on for CALM instructions without the interrupt
 *                      having been taken gets an error. Compiled code does not look at hooks; where
 *                      nothing helps the third Ctrl-C leaves.
 */
#define _GNU_SOURCE

#include "editor_interrupt.h"

#include "editor_terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

enum { CALM = 200000, LAST = 3, EXIT_INTERRUPTED = 130 };

static struct {
    lua_State *L;
    int pipe[2];
    volatile sig_atomic_t count; /* not taken yet */
    volatile sig_atomic_t stuck; /* since the loop last asked */
    volatile int *calls;         /* set: the next call lets the loop turn; or NULL */
    struct sigaction before;
} interrupt = {.pipe = {-1, -1}};

/* Takes all interrupts; answers how many there were. */
static int take(lua_State *L) {
    char bytes[64];
    while (read(interrupt.pipe[0], bytes, sizeof bytes) > 0)
        continue;
    int count = interrupt.count;
    interrupt.count = 0;
    if (interrupt.calls != NULL)
        *interrupt.calls = 0;
    lua_sethook(L, NULL, 0, 0);
    return count;
}

static void raise_interrupt(lua_State *L, lua_Debug *where) {
    (void)where;
    take(L);
    luaL_error(L, "interrupted");
}

static void on_interrupt(int signum) {
    int saved = errno;
    (void)signum;
    interrupt.count++;
    if (++interrupt.stuck >= LAST) {
        nr__terminal_restore();
        _exit(EXIT_INTERRUPTED);
    }
    if (interrupt.calls != NULL)
        *interrupt.calls = 1;
    lua_sethook(interrupt.L, raise_interrupt, LUA_MASKCOUNT, CALM);
    ssize_t written = write(interrupt.pipe[1], "!", 1);
    (void)written; /* a full pipe says the same */
    errno = saved;
}

/* watch_interrupts([flag]) → the descriptor that becomes readable. `flag` is `core.interrupted`. */
static int l_watch(lua_State *L) {
    if (interrupt.pipe[0] >= 0)
        return luaL_error(L, "interrupts are watched already");
    if (pipe2(interrupt.pipe, O_CLOEXEC | O_NONBLOCK) != 0)
        return luaL_error(L, "no pipe for interrupts: %s", strerror(errno));
    lua_pushthread(L);
    lua_setfield(L, LUA_REGISTRYINDEX, "nylon_ring.editor.interrupts");
    interrupt.L = L;
    interrupt.calls = lua_touserdata(L, 1);
    interrupt.count = interrupt.stuck = 0;
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
    lua_pushinteger(L, take(L));
    interrupt.stuck = 0;
    return 1;
}

/* leave_interrupts(): SIGINT goes where it went before. */
static int l_leave(lua_State *L) {
    if (interrupt.pipe[0] < 0)
        return 0;
    sigaction(SIGINT, &interrupt.before, NULL);
    lua_sethook(L, NULL, 0, 0);
    close(interrupt.pipe[0]);
    close(interrupt.pipe[1]);
    interrupt.pipe[0] = interrupt.pipe[1] = -1;
    lua_pushnil(L);
    lua_setfield(L, LUA_REGISTRYINDEX, "nylon_ring.editor.interrupts");
    return 0;
}

void nr__interrupt_register(lua_State *L) {
    static const luaL_Reg functions[] = {{"watch_interrupts", l_watch},
                                         {"take_interrupts", l_take},
                                         {"leave_interrupts", l_leave},
                                         {NULL, NULL}};
    for (const luaL_Reg *each = functions; each->name != NULL; each++) {
        lua_pushcfunction(L, each->func);
        lua_setfield(L, -2, each->name);
    }
}
