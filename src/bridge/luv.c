/*
 * The link to luv. luv is a Lua module, not a library to link with: its functions, and those of the
 * libuv that it uses, are looked up in the very module that `require` returned, so that there is
 * one loop and one libuv whatever the program around us is.
 *
 * luv runs its callbacks on the state that required it first. Were that a task, callbacks would run
 * on a suspended coroutine; the bridge therefore loads luv itself.
 */
#include "luv.h"

#include <dlfcn.h>
#include <luv/luv.h>
#include <stdio.h>
#include <string.h>

#include "bridge.h"
#include "refuse.h"

/* Where the state keeps its bridge for luv's callback function, which has no upvalues. */
static const char bridge_key;

static void *as_light(const char *value) {
    return (void *)(uintptr_t)value;
}

/* ---- Errors of callbacks ---------------------------------------------------------------- */

static int add_traceback(lua_State *L) {
    luaL_traceback(L, L, NULL, 1);
    return 2;
}

/* Message handler: makes { error, traceback } of the error, because a handler returns one value. */
static int catch_error(lua_State *L) {
    lua_createtable(L, 2, 0);
    lua_pushvalue(L, 1);
    lua_rawseti(L, -2, 1);
    add_traceback(L);
    lua_rawseti(L, -2, 2);
    return 1;
}

static void print_error(lua_State *L, int index) {
    const char *text = lua_tostring(L, index);
    fprintf(stderr, "nylon-ring: %s\n", text ? text : luaL_typename(L, index));
}

/* Calls the error function with the error and traceback that are on top; pops both. */
static void report(lua_State *L, nr__bridge_t *b) {
    int err = lua_gettop(L) - 1;
    lua_rawgeti(L, LUA_REGISTRYINDEX, b->on_error);
    if (lua_isfunction(L, -1)) {
        lua_pushvalue(L, err);
        lua_pushvalue(L, err + 1);
        if (lua_pcall(L, 2, 0, 0) != 0)
            print_error(L, -1);
    } else {
        print_error(L, err + 1);
    }
    lua_settop(L, err - 1);
}

void nr__luv_report_error(lua_State *L, nr__bridge_t *b) {
    lua_pushvalue(L, -1);
    report(L, b);
}

static nr__bridge_t *bridge_of(lua_State *L) {
    lua_pushlightuserdata(L, as_light(&bridge_key));
    lua_rawget(L, LUA_REGISTRYINDEX);
    nr__bridge_t *b = lua_touserdata(L, -1);
    lua_pop(L, 1);
    return b;
}

static void report_caught(lua_State *L, nr__bridge_t *b) {
    if (!lua_istable(L, -1)) { /* out of memory, or an error inside the handler: the bare message */
        nr__luv_report_error(L, b);
        return;
    }
    lua_rawgeti(L, -1, 1);
    lua_rawgeti(L, -2, 2);
    lua_remove(L, -3);
    report(L, b);
}

/* In place of luv's own, which prints and calls exit(). Keeps luv's contract: `nargs` values and
 * the function are taken off the stack, the results are left on it, and their number or a negative
 * error is returned. */
static int call_back(lua_State *L, int nargs, int nresults, int flags) {
    (void)flags;
    nr__bridge_t *b = bridge_of(L);
    int function = lua_gettop(L) - nargs;
    lua_pushcfunction(L, catch_error);
    lua_insert(L, function);
    int status = lua_pcall(L, nargs, nresults, function);
    lua_remove(L, function);
    if (status != 0)
        report_caught(L, b);
    nr__loop_ensure(L, b);
    return status == 0 ? lua_gettop(L) - function + 1 : -status;
}

static int core_on_error(lua_State *L) {
    nr__bridge_set_ref(L, &nr__bridge_self(L)->on_error, 1);
    return 0;
}

/* ---- Looking up ------------------------------------------------------------------------- */

void nr__luv_push(lua_State *L, const nr__bridge_t *b) {
    lua_rawgeti(L, LUA_REGISTRYINDEX, b->luv.module);
}

static void push_loaded(lua_State *L) {
    lua_getfield(L, LUA_REGISTRYINDEX, "_LOADED");
    lua_getfield(L, -1, "luv");
    lua_remove(L, -2);
}

static int is_loaded(lua_State *L) {
    push_loaded(L);
    int loaded = lua_istable(L, -1);
    lua_pop(L, 1);
    return loaded;
}

/* Keeps the state that luv calls back on, which luv itself does not. */
static void anchor_state(lua_State *L, lua_State *state) {
    if (state == L)
        lua_pushthread(L);
    else {
        lua_pushthread(state);
        lua_xmove(state, L, 1);
    }
    luaL_ref(L, LUA_REGISTRYINDEX);
}

/* The state that luv shall run its callbacks on: the main one if it is at hand, else a new thread,
 * kept for ever, that runs nothing else. */
static lua_State *choose_state(lua_State *L) {
    int is_main = lua_pushthread(L);
    lua_pop(L, 1);
    if (is_main)
        return L;
    return lua_newthread(L); /* is on the stack until luv is there */
}

static void load(lua_State *L) {
    int top = lua_gettop(L);
    lua_State *home = choose_state(L);
    lua_getglobal(L, "require");
    lua_pushliteral(L, "luv");
    lua_xmove(L, home, 2);
    if (lua_pcall(home, 1, 1, 0) != 0) {
        lua_xmove(home, L, 1);
        nr__raise(L, "nylon_ring needs luv (Debian: apt-get install lua-luv): %s",
                  lua_tostring(L, -1));
    }
    lua_pop(home, 1);
    anchor_state(L, home);
    lua_settop(L, top);
}

/* The loaded library that luv's functions are in; the program itself where luv is linked into it.
 */
static void *open_library(lua_State *L, const nr__bridge_t *b) {
    Dl_info info;
    nr__luv_push(L, b);
    lua_getfield(L, -1, "new_async");
    lua_CFunction function = lua_tocfunction(L, -1);
    lua_pop(L, 2);
    void *address;
    memcpy(&address, &function, sizeof address);
    if (!function || !dladdr(address, &info))
        nr__raise(L,
                  "the module luv is not the luv that nylon_ring knows: it has no new_async in C");
    void *library = dlopen(info.dli_fname, RTLD_LAZY | RTLD_NOLOAD);
    return library ? library : dlopen(NULL, RTLD_LAZY);
}

static void look_up(lua_State *L, void *library, const char *name, void *out) {
    void *address = dlsym(library, name);
    if (!address)
        nr__raise(L, "the luv that is loaded has no %s; nylon_ring needs luv 1.44 or later", name);
    memcpy(out, &address, sizeof address);
}

static void look_up_all(lua_State *L, nr__luv_t *luv) {
    look_up(L, luv->library, "uv_async_send", &luv->async_send);
    look_up(L, luv->library, "uv_is_closing", &luv->is_closing);
    look_up(L, luv->library, "uv_ref", &luv->ref);
    look_up(L, luv->library, "uv_unref", &luv->unref);
    look_up(L, luv->library, "uv_now", &luv->now);
    look_up(L, luv->library, "uv_idle_start", &luv->idle_start);
    look_up(L, luv->library, "uv_idle_stop", &luv->idle_stop);
    look_up(L, luv->library, "uv_timer_again", &luv->timer_again);
    look_up(L, luv->library, "uv_timer_stop", &luv->timer_stop);
    look_up(L, luv->library, "uv_timer_set_repeat", &luv->timer_set_repeat);
}

void nr__luv_open(lua_State *L, nr__bridge_t *b, int bridge) {
    static const luaL_Reg functions[] = {{"on_error", core_on_error}, {NULL, NULL}};
    lua_State *(*luv_state_of)(lua_State *);
    uv_loop_t *(*loop_of)(lua_State *);
    void (*set_callback)(lua_State *, luv_CFpcall);

    b->on_error = LUA_NOREF;
    if (!is_loaded(L))
        load(L);
    push_loaded(L);
    b->luv.module = luaL_ref(L, LUA_REGISTRYINDEX); /* luv's loop lives in it */
    b->luv.library = open_library(L, b);
    look_up_all(L, &b->luv);
    look_up(L, b->luv.library, "luv_state", &luv_state_of);
    look_up(L, b->luv.library, "luv_set_callback", &set_callback);
    look_up(L, b->luv.library, "luv_loop", &loop_of);
    b->L = luv_state_of(L);
    b->luv.loop = loop_of(L);
    anchor_state(L, b->L);
    lua_pushlightuserdata(L, as_light(&bridge_key));
    lua_pushlightuserdata(L, b);
    lua_rawset(L, LUA_REGISTRYINDEX);
    set_callback(L, call_back);
    nr__bridge_register(L, bridge, functions);
}

void nr__luv_close(nr__bridge_t *b) {
    if (b->luv.library)
        dlclose(b->luv.library);
    b->luv.library = NULL;
}
