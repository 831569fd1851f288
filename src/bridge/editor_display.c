/*
 * libedit draws what it edits, into arrays with the rows and columns of a terminal. We draw
 * ourselves, and its drawing goes nowhere; but where a line has more rows than the arrays, or they
 * shrink while the cursor is far down, it writes behind their end, and it goes on counting rows
 * from one line to the next. So it never hears of the real terminal: its screen has a width that
 * stays, rows that only grow, and is drawn anew before every key.
 */
#define _GNU_SOURCE

#include "editor_display.h"

#include <stdio.h>
#include <wchar.h>

enum { COLUMNS = 80, LEAST_ROWS = 24, WIDEST = 8 /* a tab, or \U+1F600 */ };

static int set_size(EditLine *el, const char *name, size_t value) {
    char text[24];
    snprintf(text, sizeof text, "%zu", value);
    return el_set(el, EL_SETTC, name, text, NULL);
}

size_t nr__display_init(EditLine *el) {
    set_size(el, "co", COLUMNS);
    set_size(el, "li", LEAST_ROWS);
    return LEAST_ROWS;
}

/* Rows of the line, or more. */
static size_t count_rows(const LineInfoW *line) {
    size_t rows = 1, column = 0;
    for (const wchar_t *at = line->buffer; at < line->lastchar; at++) {
        int width = wcwidth(*at);
        column += width >= 0 ? (size_t)width : WIDEST;
        if (*at == L'\n' || column > COLUMNS - WIDEST) {
            rows++;
            column = 0;
        }
    }
    return rows;
}

int nr__display_fit(EditLine *el, size_t *rows) {
    size_t wanted = 2 * count_rows(el_wline(el)) + 2;
    if (wanted > *rows) {
        if (set_size(el, "li", 2 * wanted) != 0)
            return -1;
        *rows = 2 * wanted;
    }
    el_set(el, EL_REFRESH);
    return 0;
}
