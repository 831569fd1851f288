/*
 * Suspending the running task. A suspension is a yield of a private marker; what is kept for the
 * wait lies behind it on the coroutine's stack:
 *
 *     marker | record of the task | handle | text | ...
 */
#include "suspend.h"

#include "bridge.h"
#include "refuse.h"

/* Their addresses are the private values: what a task yields, and what comes first when it is
 * resumed with an error. */
static const char marker, raised;

static void *as_light(const char *value) {
    return (void *)(uintptr_t)value;
}

nr__task_t *nr__suspend_try(lua_State *L, nr__bridge_t *b) {
    nr__task_t *task = b->fast.current;
    if (!task || L == b->L || !lua_isyieldable(L))
        return NULL;
    if (L != task->co && !(b->sched.relaying && lua_isyieldable(task->co)))
        return NULL;
    return task;
}

nr__task_t *nr__suspend_task(lua_State *L, nr__bridge_t *b) {
    nr__task_t *task = nr__suspend_try(L, b);
    if (!task) {
        if (!b->fast.current || L == b->L)
            nr__refuse_outside(L, b);
        if (L != b->fast.current->co && !b->sched.relaying)
            nr__refuse_coroutine(L, b);
        nr__refuse_builtin(L, b);
    }
    if (nr__task_is_cancelled(L, b, task)) {
        nr__task_push_cancel(L, b, task);
        lua_error(L);
    }
    return task;
}

int nr__suspend(lua_State *L, int kept) {
    lua_pushlightuserdata(L, as_light(&marker));
    lua_insert(L, -kept - 1);
    return lua_yield(L, kept + 1);
}

/* core.check(): raises where a suspension would. */
static int core_check(lua_State *L) {
    nr__suspend_task(L, nr__bridge_self(L));
    return 0;
}

static int core_yield(lua_State *L) {
    nr__suspend_task(L, nr__bridge_self(L));
    return nr__suspend(L, 0);
}

void nr__suspend_push_raised(lua_State *L) {
    lua_pushlightuserdata(L, as_light(&raised));
}

/* A C function that yields has no continuation in LuaJIT: what it is resumed with is what it
 * returns. To raise at the place where a task waits takes a frame in Lua. */
static const char suspend_chunk[] = "local yield, raised, error = ...\n"
                                    "local function settle(first, ...)\n"
                                    "  if first == raised then error((...), 0) end\n"
                                    "  return first, ...\n"
                                    "end\n"
                                    "return function() return settle(yield()) end\n";

/* Pushes core.suspend. */
static void push_suspend(lua_State *L, int bridge) {
    if (luaL_loadbuffer(L, suspend_chunk, sizeof suspend_chunk - 1, "=nylon_ring") != 0)
        lua_error(L);
    lua_pushvalue(L, bridge);
    lua_pushcclosure(L, core_yield, 1);
    nr__suspend_push_raised(L);
    lua_getglobal(L, "error");
    lua_call(L, 3, 1);
}

int nr__suspend_note(lua_State *co, nr__task_t *task) {
    if (lua_touserdata(co, 1) != as_light(&marker))
        return 0;
    lua_pushlightuserdata(co, task);
    lua_insert(co, 2);
    return 1;
}

nr__task_t *nr__suspend_waiting(lua_State *co) {
    if (lua_status(co) != LUA_YIELD || lua_touserdata(co, 1) != as_light(&marker))
        return NULL;
    return lua_touserdata(co, 2);
}

void nr__suspend_open(lua_State *L, int bridge) {
    static const luaL_Reg functions[] = {{"check", core_check}, {NULL, NULL}};
    nr__bridge_register(L, bridge, functions);
    push_suspend(L, bridge);
    lua_setfield(L, -2, "suspend");
    lua_pushlightuserdata(L, as_light(&marker));
    lua_setfield(L, -2, "marker");
    nr__suspend_push_raised(L);
    lua_setfield(L, -2, "raised");
}
