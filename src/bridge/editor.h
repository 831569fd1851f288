/* One edited line: what the files of the module nylon_ring.editor share. */
#ifndef NYLON_RING_EDITOR_H
#define NYLON_RING_EDITOR_H

#include "editor_keys.h"

#include <histedit.h>
#include <stdio.h>

typedef struct editor {
    EditLine *el;
    FILE *in, *screen; /* `screen` is /dev/null */
    int fd;
    int shared; /* its open file is also that of whoever started us */
    nr__keys_t keys;
    wchar_t key[NR__KEY_MAX]; /* what el_wgets is to read now */
    size_t key_len, key_used;
    const char *event; /* set by the function that a key is bound to */
    int raw, quoting, pasting;
    int overlong; /* what is being pasted is dropped */
    size_t rows;  /* of the display that libedit keeps */
} editor_t;

/* The editor that a libedit callback belongs to. [loop] */
static inline editor_t *nr__editor_of(EditLine *el) {
    void *data = NULL;
    el_get(el, EL_CLIENTDATA, &data);
    return data;
}

#endif
