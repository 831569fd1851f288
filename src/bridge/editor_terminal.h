/*
 * The terminal's own state: kept before the editor changes it, and put back on the ways out
 * of the process that can be seen: exit, a fatal signal (a crash in a plugin's thread), and what a
 * sanitizer ends. Who calls _exit has to call nr__terminal_restore before it.
 */
#ifndef NYLON_RING_EDITOR_TERMINAL_H
#define NYLON_RING_EDITOR_TERMINAL_H

#include <stddef.h>

/* Remembers the state of the terminal `fd`, once a process, and sees to it that it is put back.
 * 0, or -1 where `fd` is no terminal. [loop] */
int nr__terminal_keep(int fd);

/* Says whether the terminal is in our state now, so that leaving must put it back. [loop] */
void nr__terminal_changed(int changed);

/* Writes to a terminal as much as it takes without keeping us waiting: it may take nothing for
 * ever. Safe in a signal handler. [any thread] */
void nr__terminal_write(int fd, const char *bytes, size_t len);

/* Puts the kept state back if it was changed. Safe in a signal handler. [any thread] */
void nr__terminal_restore(void);

#endif
