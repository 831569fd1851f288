/*
 *   bytes or a hangup on a watched socket ──▶ SIGIO, to the loop's thread
 *        ──▶ hook: Lua code that goes on for a while is asked whether it is to stop, by a function
 *            of the console's, which looks at what the socket holds (peek)
 *
 * Where the loop turns it reads the socket before that, and the function finds nothing.
 */
#define _GNU_SOURCE

#include "editor_peek.h"

#include "editor_hook.h"

#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ASKS "nylon_ring.editor.asks" /* in the registry: the console's function */

static struct { volatile sig_atomic_t watches; } peek;

static void ask(lua_State *L) {
    lua_getfield(L, LUA_REGISTRYINDEX, ASKS);
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        return;
    }
    lua_call(L, 0, 1);
    int stops = lua_toboolean(L, -1);
    lua_pop(L, 1);
    if (stops)
        luaL_error(L, "interrupted");
}

static void on_input(int signum) {
    int saved = errno;
    if (peek.watches)
        nr__hook_ask(NR__HOOK_SOCKET, signum);
    errno = saved;
}

/* Whether nobody else uses SIGIO. */
static int is_free(void) {
    struct sigaction now;
    return sigaction(SIGIO, NULL, &now) == 0 &&
           (now.sa_handler == SIG_DFL || now.sa_handler == on_input);
}

/* watch_sockets(fn) → whether sockets can be watched: not where the program uses SIGIO itself.
 * `fn` answers whether what runs now is to stop; it must not suspend. */
static int l_watch(lua_State *L) {
    luaL_checktype(L, 1, LUA_TFUNCTION);
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_input;
    action.sa_flags = SA_RESTART;
    sigfillset(&action.sa_mask);
    int watches = !peek.watches && is_free() && nr__hook_open(L, NR__HOOK_SOCKET, ask) == 0;
    if (watches) {
        lua_pushvalue(L, 1);
        lua_setfield(L, LUA_REGISTRYINDEX, ASKS);
        sigaction(SIGIO, &action, NULL);
        peek.watches = 1;
    }
    lua_pushboolean(L, watches);
    return 1;
}

/* watch_socket(fd), until it is closed. */
static int l_watch_socket(lua_State *L) {
    int fd = (int)luaL_checkinteger(L, 1);
    if (!peek.watches)
        return 0;
#ifdef F_SETOWN_EX
    struct f_owner_ex owner = {.type = F_OWNER_TID, .pid = gettid()};
    int owned = fcntl(fd, F_SETOWN_EX, &owner);
#else
    int owned = fcntl(fd, F_SETOWN, getpid());
#endif
    int flags = fcntl(fd, F_GETFL);
    if (owned == 0 && flags >= 0)
        fcntl(fd, F_SETFL, flags | O_ASYNC);
    return 0;
}

/* peek(fd) → what the socket holds, or its beginning, which stays there; "" after a hangup; nil
 * when it holds nothing now. */
static int l_peek(lua_State *L) {
    char bytes[4096];
    ssize_t len = recv((int)luaL_checkinteger(L, 1), bytes, sizeof bytes, MSG_PEEK | MSG_DONTWAIT);
    if (len < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        return 0;
    lua_pushlstring(L, bytes, len > 0 ? (size_t)len : 0);
    return 1;
}

/* leave_sockets(): nothing is asked any more. Sockets that are still open go on sending SIGIO,
 * which by default would end the process: the handler stays, and does nothing. */
static int l_leave(lua_State *L) {
    if (!peek.watches)
        return 0;
    peek.watches = 0;
    nr__hook_close(L, NR__HOOK_SOCKET);
    lua_pushnil(L);
    lua_setfield(L, LUA_REGISTRYINDEX, ASKS);
    return 0;
}

void nr__peek_register(lua_State *L) {
    static const luaL_Reg functions[] = {{"watch_sockets", l_watch},
                                         {"watch_socket", l_watch_socket},
                                         {"peek", l_peek},
                                         {"leave_sockets", l_leave},
                                         {NULL, NULL}};
    luaL_register(L, NULL, functions);
}
