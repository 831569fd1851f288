/*
 * short_memory SCRIPT: runs a Lua script whose memory can be made short. The script's global
 * function limit(bytes) lets every allocation of more bytes fail from then on; limit() lifts that.
 */
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static size_t limit = SIZE_MAX;

static void *allocate(void *unused, void *block, size_t old_size, size_t new_size) {
    (void)unused;
    if (new_size == 0) {
        free(block);
        return NULL;
    }
    return new_size > limit && new_size > old_size ? NULL : realloc(block, new_size);
}

static int set_limit(lua_State *L) {
    limit = (size_t)luaL_optnumber(L, 1, (lua_Number)(SIZE_MAX / 2));
    return 0;
}

int main(int argc, char **argv) {
    lua_State *L = argc == 2 ? lua_newstate(allocate, NULL) : NULL;
    if (L == NULL) {
        fputs("usage: short_memory SCRIPT\n", stderr);
        return 2;
    }
    luaL_openlibs(L);
    lua_register(L, "limit", set_limit);
    int failed = luaL_dofile(L, argv[1]);
    if (failed) {
        fprintf(stderr, "%s\n", lua_tostring(L, -1));
    }
    lua_close(L);
    return failed;
}
