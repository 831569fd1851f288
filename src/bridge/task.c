/*
 * The records of tasks: which coroutines they are, and which of them are cancelled. They are kept
 * in chunks that live as long as the bridge, so that a completion which comes for a task that has
 * ended finds a record, compares what it waits for, and is dropped.
 */
#include "task.h"

#include <stdlib.h>

#include "bridge.h"
#include "refuse.h"

enum { TASKS_A_CHUNK = 64 };

typedef struct nr__task_chunk {
    struct nr__task_chunk *next;
    nr__task_t tasks[TASKS_A_CHUNK];
} nr__task_chunk_t;

static void add_chunk(lua_State *L, nr__sched_t *s) {
    nr__task_chunk_t *chunk = calloc(1, sizeof *chunk);
    if (!chunk)
        nr__raise(L, "out of memory for another task");
    chunk->next = s->chunks;
    s->chunks = chunk;
    for (int i = TASKS_A_CHUNK - 1; i >= 0; i--) {
        chunk->tasks[i].slot = s->slots + (uint32_t)i + 1;
        chunk->tasks[i].next = s->free;
        s->free = &chunk->tasks[i];
    }
    s->slots += TASKS_A_CHUNK;
}

nr__task_t *nr__task_new(lua_State *L, nr__bridge_t *b, int index) {
    nr__sched_t *s = &b->sched;
    if (!s->free)
        add_chunk(L, s);
    nr__task_t *task = s->free;
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->anchors);
    lua_pushvalue(L, index);
    lua_rawseti(L, -2, (int)task->slot);
    lua_pop(L, 1);
    s->free = task->next;
    s->alive++;
    task->co = lua_tothread(L, index);
    return task;
}

void nr__task_push(lua_State *L, const nr__bridge_t *b, const nr__task_t *task) {
    lua_rawgeti(L, LUA_REGISTRYINDEX, b->sched.anchors);
    lua_rawgeti(L, -1, (int)task->slot);
    lua_remove(L, -2);
}

void nr__task_set_cancel(lua_State *L, nr__bridge_t *b, int index) {
    nr__sched_t *s = &b->sched;
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->cancels);
    lua_pushvalue(L, index);
    lua_rawget(L, -2);
    s->cancelled += lua_isnil(L, -1) - lua_isnil(L, -3);
    lua_pop(L, 1);
    lua_pushvalue(L, index);
    lua_pushvalue(L, -3);
    lua_rawset(L, -3);
    lua_pop(L, 2);
}

void nr__task_free(lua_State *L, nr__bridge_t *b, nr__task_t *task) {
    nr__sched_t *s = &b->sched;
    if (s->cancelled > 0) {
        nr__task_push(L, b, task);
        lua_pushnil(L);
        nr__task_set_cancel(L, b, lua_gettop(L) - 1);
        lua_pop(L, 1);
    }
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->anchors);
    lua_pushnil(L);
    lua_rawseti(L, -2, (int)task->slot);
    lua_pop(L, 1);
    task->co = NULL;
    task->state = NR__TASK_FREE;
    task->next = s->free;
    s->free = task;
    s->alive--;
}

void nr__task_push_cancel(lua_State *L, nr__bridge_t *b, const nr__task_t *task) {
    luaL_checkstack(L, 4, NULL);
    lua_rawgeti(L, LUA_REGISTRYINDEX, b->sched.cancels);
    nr__task_push(L, b, task);
    lua_rawget(L, -2);
    lua_remove(L, -2);
}

int nr__task_is_cancelled(lua_State *L, nr__bridge_t *b, const nr__task_t *task) {
    if (b->sched.cancelled == 0)
        return 0;
    nr__task_push_cancel(L, b, task);
    int cancelled = !lua_isnil(L, -1);
    lua_pop(L, 1);
    return cancelled;
}

void nr__task_open(lua_State *L, nr__bridge_t *b) {
    lua_newtable(L);
    b->sched.anchors = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_newtable(L);
    lua_createtable(L, 0, 1);
    lua_pushliteral(L, "k");
    lua_setfield(L, -2, "__mode");
    lua_setmetatable(L, -2);
    b->sched.cancels = luaL_ref(L, LUA_REGISTRYINDEX);
}

void nr__task_close_all(nr__bridge_t *b) {
    while (b->sched.chunks) {
        nr__task_chunk_t *chunk = b->sched.chunks;
        b->sched.chunks = chunk->next;
        free(chunk);
    }
}
