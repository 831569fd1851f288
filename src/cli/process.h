/*
 * The Lua module `nylon_ring.cli.process`: what the command line needs of its process and Lua
 * cannot do. Signals that count while Lua is busy, and leaving without running static destructors.
 */
#ifndef NYLON_RING_CLI_PROCESS_H
#define NYLON_RING_CLI_PROCESS_H

#include <lua.h>

/* Looks at how the process was started: an interrupt that its parent set to be ignored (nohup, a
 * background job) stays ignored. Call it first thing in `main`. [loop] */
void cli_process_init(void);

/* `luaopen_*` of the module: `interruptible`, `guard`, `leave`. [loop] */
int cli_process_open(lua_State *L);

#endif
