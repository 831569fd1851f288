/* What a terminal of ours needs of the system besides an edited line. */
#define _GNU_SOURCE

#include "editor_system.h"

#include "editor_keys.h"
#include "editor_terminal.h"

#include <errno.h>
#include <lauxlib.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/file.h>
#include <wchar.h>

/* editor.width(character) → cells that it takes on the screen; -1 for what can not be shown. */
static int l_width(lua_State *L) {
    size_t len;
    const char *bytes = luaL_checklstring(L, 1, &len);
    wchar_t c = 0;
    if (len > 0)
        nr__utf8_decode(bytes, len, &c);
    lua_pushinteger(L, wcwidth(c));
    return 1;
}

/* editor.await_writable(fd, ms) → whether the descriptor takes something within that time. */
static int l_await_writable(lua_State *L) {
    struct pollfd out = {.fd = (int)luaL_checkinteger(L, 1), .events = POLLOUT};
    int patience = (int)luaL_checkinteger(L, 2), count;
    do
        count = poll(&out, 1, patience);
    while (count < 0 && errno == EINTR);
    lua_pushboolean(L, count == 1);
    return 1;
}

/* editor.lock(fd) → whether this process has the file to itself now; closing it lets go. */
static int l_lock(lua_State *L) {
    lua_pushboolean(L, flock((int)luaL_checkinteger(L, 1), LOCK_EX | LOCK_NB) == 0);
    return 1;
}

/* editor.stop(): as SIGTSTP does by itself: stops the process until it is continued, or does
 * nothing where nobody could continue it. */
static int l_stop(lua_State *L) {
    struct sigaction by_itself = {.sa_handler = SIG_DFL}, before;
    (void)L;
    sigaction(SIGTSTP, &by_itself, &before);
    raise(SIGTSTP);
    sigaction(SIGTSTP, &before, NULL);
    return 0;
}

/* editor.restorer() → the address of a pointer to the function that puts the terminal back, for
 * whoever ends the process without destructors. */
static int l_restorer(lua_State *L) {
    static void (*restore)(void) = nr__terminal_restore;
    lua_pushlightuserdata(L, (void *)&restore);
    return 1;
}

/* Characters have widths in a UTF-8 locale only; numbers and texts stay as they are. */
static void use_wide_characters(void) {
    if (setlocale(LC_CTYPE, "") == NULL || MB_CUR_MAX == 1)
        setlocale(LC_CTYPE, "C.UTF-8");
}

void nr__system_register(lua_State *L) {
    static const luaL_Reg functions[] = {
        {"width", l_width},       {"await_writable", l_await_writable},
        {"lock", l_lock},         {"stop", l_stop},
        {"restorer", l_restorer}, {NULL, NULL}};
    use_wide_characters();
    luaL_register(L, NULL, functions);
}
