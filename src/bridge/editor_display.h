/* The display that libedit keeps of the edited line, although nobody sees it. See editor_display.c.
 */
#ifndef NYLON_RING_EDITOR_DISPLAY_H
#define NYLON_RING_EDITOR_DISPLAY_H

#include <histedit.h>
#include <stddef.h>

/* Gives libedit a screen of its own in place of the terminal's size. Once, before the first line.
 * Answers its rows. [loop] */
size_t nr__display_init(EditLine *el);

/* Makes room for the edited line as it is and for twice as much, and has it drawn; `*rows` is what
 * there is. To be called before every key. 0, or -1 without memory: the key must not be used.
 * [loop] */
int nr__display_fit(EditLine *el, size_t *rows);

#endif
