/*
 * The Lua module `nylon_ring.cli.process`: what the command line needs of its process and Lua
 * cannot do. Signals that count while Lua is busy, and leaving without running static destructors.
 */
#ifndef NYLON_RING_CLI_PROCESS_H
#define NYLON_RING_CLI_PROCESS_H

#include <lua.h>
#include <stddef.h>

/* Looks at how the process was started: an interrupt that its parent set to be ignored (nohup, a
 * background job) stays ignored, and a standard descriptor that it closed leads nowhere. Call it
 * first thing in `main`. [loop] */
void cli_process_init(void);

/* The exit code for a process that is to leave with `code`: a failure, said on standard error,
 * where output was lost. [loop] */
int cli_process_finish(int code);

/* Writes to standard error past its buffer; on any thread, and in a signal handler. */
void cli_write_error(const char *text, size_t len);

/* `luaopen_*` of the module `nylon_ring.cli.process`. [loop] */
int cli_process_open(lua_State *L);

#endif
