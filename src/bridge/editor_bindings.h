/* Which key does what. */
#ifndef NYLON_RING_EDITOR_BINDINGS_H
#define NYLON_RING_EDITOR_BINDINGS_H

#include <histedit.h>

/* Binds libedit's functions and ours to keys, in the manner of Emacs. [loop] */
void nr__editor_bind(EditLine *el);

/* 0 for a control sequence (of a function key, say) that nothing is bound to: libedit would take
 * the end of it for text. [loop] */
int nr__editor_knows(const wchar_t *key, size_t len);

#endif
