/*
 * The Lua module nylon_ring.core: one bridge for each Lua state, shared by the files of this
 * folder.
 *
 *   task.c     the records of coroutines that are tasks
 *   sched.c    starting and resuming them
 *   suspend.c  suspending the one that runs
 *   refuse.c   says why something can not be done where it was asked for
 *   luv.c      what the bridge takes of the luv that the script uses
 *   loop.c     the bridge's handles on luv's loop, and what the worker needs of a loop
 *   turn.c     hands what has finished to the tasks that wait for it
 *   plugin.c   loading, and what is known of a plugin
 *   inspect.c  what a file tells without being started
 *   unload.c   unloading and reloading, which end with a report
 *   call.c     calls that suspend
 *   stream.c   streams
 *   trace.c    what is recorded of a plugin's ABI
 *   fast.c     calls that do not suspend, for compiled code
 *   failure.c  errors as Lua sees them
 *
 * The bridge is a full userdata that every C function of the module has as its first upvalue. All
 * of it is used on the thread of its Lua state only.
 */
#ifndef NYLON_RING_BRIDGE_H
#define NYLON_RING_BRIDGE_H

#include <lauxlib.h>
#include <lua.h>

#include "fast.h"
#include "loop.h"
#include "luv.h"
#include "sched.h"

typedef struct nr__bridge {
    lua_State *L;        /* the state that luv runs its callbacks on; never a task */
    nr_worker_t *worker; /* NULL: closed */
    nr__luv_t luv;
    nr__loop_t loop;
    nr__sched_t sched;
    nr__fast_t fast;
    nr__handle_t *handles; /* all that Lua has */
    nr__reader_t *readers; /* those with a stream */
    uint32_t unloads;
    /* Registry references. */
    int on_error, on_log; /* functions of the script, or LUA_NOREF */
    int run_turn;         /* the function of turn.c */
    int handle_meta, reader_meta, unload_meta, error_meta;
    int no_memory;  /* the Error for the case that there is no memory to make one */
    char home[256]; /* source prefix of our own Lua files, as "@/.../nylon_ring/" */
} nr__bridge_t;

/* The bridge that the running C function belongs to. */
static inline nr__bridge_t *nr__bridge_self(lua_State *L) {
    return lua_touserdata(L, lua_upvalueindex(1));
}

/* Replaces the function that `*ref` refers to by the one (or the nil) at `index`. */
void nr__bridge_set_ref(lua_State *L, int *ref, int index);

/* Adds functions to the table on top of the stack, each with the bridge at `bridge` as upvalue. */
void nr__bridge_register(lua_State *L, int bridge, const luaL_Reg *functions);

#endif
