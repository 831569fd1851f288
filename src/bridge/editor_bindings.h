/* Which key does what. */
#ifndef NYLON_RING_EDITOR_BINDINGS_H
#define NYLON_RING_EDITOR_BINDINGS_H

#include <histedit.h>

/* Binds libedit's functions and ours to keys, in the manner of Emacs. [loop] */
void nr__editor_bind(EditLine *el);

#endif
