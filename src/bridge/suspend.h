/* Suspending the running task, and how a suspended one is known. See suspend.c. */
#ifndef NYLON_RING_SUSPEND_H
#define NYLON_RING_SUSPEND_H

#include <lua.h>

#include "task.h"

/* The running task, when what runs may suspend it. Raises otherwise: a message that names cause and
 * cure, or the error that every suspension of a cancelled task gets. */
nr__task_t *nr__suspend_task(lua_State *L, struct nr__bridge *b);

/* As above, but answers NULL instead of raising. */
nr__task_t *nr__suspend_try(lua_State *L, struct nr__bridge *b);

/* Suspends the task that `nr__suspend_task` returned: `return nr__suspend(L, kept);` The
 * `kept` values on top stay alive while it waits; the first two are a plugin's handle and a text,
 * for `core.waiting` and messages. */
int nr__suspend(lua_State *L, int kept);

/* Where on the stack of a waiting task the first kept value is. */
enum { NR__SUSPEND_KEPT = 3 };

/* After a coroutine has yielded: 1 when that was a suspension, whose task is noted on its stack. */
int nr__suspend_note(lua_State *co, nr__task_t *task);

/* The task of a coroutine that is suspended, else NULL. */
nr__task_t *nr__suspend_waiting(lua_State *co);

/* Pushes what a task is resumed with where an error follows, to be raised where it waits. */
void nr__suspend_push_raised(lua_State *L);

/* Adds `check`, `suspend` and the private values to the module table on top of the stack. */
void nr__suspend_open(lua_State *L, int bridge);

#endif
