/* The floor of what Lua can cost: the least that a plain C-API function and a plain FFI call do to
 * hand a fresh body to a script. A Lua module and an FFI library in one file. */
#include <string.h>

#include <lauxlib.h>
#include <lua.h>

#include "cases.h"

#define VISIBLE __attribute__((visibility("default")))

static uint64_t count;
static char body[BENCH_BODY_MAX];

/* Stamps the body like the bench plugin does, so that each one is a new string. */
VISIBLE const char *bench_floor_body(void);
VISIBLE const char *bench_floor_body(void) {
    count++;
    memcpy(body, &count, sizeof(count));
    return body;
}

/* body(len) -> string */
static int floor_body(lua_State *L) {
    size_t len = (size_t)lua_tointeger(L, 1);
    lua_pushlstring(L, bench_floor_body(), len < sizeof(body) ? len : sizeof(body));
    return 1;
}

VISIBLE int luaopen_bench_floor(lua_State *L);
VISIBLE int luaopen_bench_floor(lua_State *L) {
    lua_pushcfunction(L, floor_body);
    return 1;
}
