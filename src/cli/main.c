/*
 * The program: makes a Lua state, lets its package paths begin with the files that were built or
 * installed together with the program, and hands over to `nylon_ring.cli`, which answers with the
 * exit code. Where those files are, relative to the executable:
 *
 *   build tree   ./nylon-ring      ./share/lua/5.1/nylon_ring      ./lib/lua/5.1/nylon_ring/core.so
 *   installed    bin/nylon-ring    share/lua/5.1/nylon_ring        lib/lua/5.1/nylon_ring/core.so
 */
#define _GNU_SOURCE

#include "process.h"

#include <lauxlib.h>
#include <limits.h>
#include <lua.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#define LUA_FILES "/share/lua/5.1/"
#define C_MODULES "/lib/lua/5.1/"

/* Under a sanitizer the state is closed, so that what is still allocated then is a leak. Else the
 * process ends faster without that, and with fewer ways to fail. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { CLOSE_STATE = 1 };
#else
enum { CLOSE_STATE = 0 };
#endif

static int is_file(const char *path) {
    FILE *file = fopen(path, "r");
    if (file != NULL)
        fclose(file);
    return file != NULL;
}

/* Cuts the last component off a path. */
static void cut_name(char *path) {
    char *slash = strrchr(path, '/');
    if (slash != NULL)
        *slash = '\0';
}

/* Pushes the directory below which our Lua files are, or raises. */
static void push_root(lua_State *L) {
    char dir[PATH_MAX];
    size_t size = sizeof dir;
    int status = uv_exepath(dir, &size);
    if (status != 0)
        luaL_error(L, "cannot tell where this program is: %s", uv_strerror(status));
    cut_name(dir);
    for (int up = 0; up < 2; up++) {
        lua_pushstring(L, dir);
        if (is_file(lua_pushfstring(L, "%s" LUA_FILES "nylon_ring/cli/init.lua", dir))) {
            lua_pop(L, 1);
            return;
        }
        lua_pop(L, 2);
        cut_name(dir);
    }
    luaL_error(L, "the Lua files are not beside the program; build or install it as a whole");
}

/* Puts `first` in front of the string field `name` of the table on the top. */
static void prepend(lua_State *L, const char *name, const char *first) {
    lua_getfield(L, -1, name);
    lua_pushfstring(L, "%s;%s", first, lua_tostring(L, -1));
    lua_setfield(L, -3, name);
    lua_pop(L, 1);
}

static void set_paths(lua_State *L) {
    push_root(L);
    const char *root = lua_tostring(L, -1);
    if (strpbrk(root, ";?") != NULL)
        luaL_error(L,
                   "Lua finds no module below %s, because of the ';' or '?' in it: install the "
                   "program in another folder",
                   root);
    lua_getglobal(L, "package");
    const char *lua_files =
        lua_pushfstring(L, "%s" LUA_FILES "?.lua;%s" LUA_FILES "?/init.lua", root, root);
    lua_insert(L, -2);
    prepend(L, "path", lua_files);
    const char *c_modules = lua_pushfstring(L, "%s" C_MODULES "?.so", root);
    lua_insert(L, -2);
    prepend(L, "cpath", c_modules);

    lua_getfield(L, -1, "preload");
    lua_pushcfunction(L, cli_process_open);
    lua_setfield(L, -2, "nylon_ring.cli.process");
}

/* run(argc, argv) → the exit code that `nylon_ring.cli` answers with. */
static int run(lua_State *L) {
    int argc = (int)lua_tointeger(L, 1);
    char **argv = lua_touserdata(L, 2);
    luaL_openlibs(L);
    set_paths(L);
    lua_getglobal(L, "require");
    lua_pushliteral(L, "nylon_ring.cli");
    lua_call(L, 1, 1);
    lua_getfield(L, -1, "main");
    lua_createtable(L, argc, 0);
    for (int i = 0; i < argc; i++) {
        lua_pushstring(L, argv[i]);
        lua_rawseti(L, -2, i);
    }
    lua_call(L, 1, 1);
    return 1;
}

static int is_in_lua(lua_State *L) {
    lua_Debug ar;
    for (int level = 1; lua_getstack(L, level, &ar) != 0; level++) {
        lua_getinfo(L, "S", &ar);
        if (*ar.what != 'C')
            return 1;
    }
    return 0;
}

/* What failed before any Lua ran is told in one line. */
static int traceback(lua_State *L) {
    if (!lua_isstring(L, 1) && !luaL_callmeta(L, 1, "__tostring"))
        lua_pushfstring(L, "(error object is a %s)", luaL_typename(L, 1));
    if (is_in_lua(L))
        luaL_traceback(L, L, lua_tostring(L, -1), 1);
    return 1;
}

int main(int argc, char **argv) {
    cli_process_init();
    lua_State *L = luaL_newstate();
    if (L == NULL) {
        fputs("nylon-ring: not enough memory for a Lua state\n", stderr);
        return EXIT_FAILURE;
    }
    lua_pushcfunction(L, traceback);
    lua_pushcfunction(L, run);
    lua_pushinteger(L, argc);
    lua_pushlightuserdata(L, argv);
    int code = EXIT_FAILURE;
    if (lua_pcall(L, 2, 1, 1) == 0)
        code = (int)lua_tointeger(L, -1);
    else
        fprintf(stderr, "nylon-ring: %s\n", lua_tostring(L, -1));
    if (CLOSE_STATE)
        lua_close(L);
    return cli_process_finish(code);
}
