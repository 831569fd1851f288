/*
 * Key bindings. What looks beyond the line ends as an event for Lua.
 */
#define _GNU_SOURCE

#include "editor_bindings.h"

#include "editor.h"

#include <stddef.h>
#include <wchar.h>

#define EVENT(name)                                                                                \
    static unsigned char on_##name(EditLine *el, int c) {                                          \
        (void)c;                                                                                   \
        nr__editor_of(el)->event = #name;                                                          \
        return CC_NORM;                                                                            \
    }

EVENT(accept)
EVENT(complete)
EVENT(search)
EVENT(up)
EVENT(down)
EVENT(first)
EVENT(last)
EVENT(redraw)
EVENT(undo)

static unsigned char on_eof(EditLine *el, int c) {
    const LineInfoW *line = el_wline(el);
    (void)c;
    if (line->buffer == line->lastchar) {
        nr__editor_of(el)->event = "eof";
    } else if (line->cursor < line->lastchar) {
        el_cursor(el, 1);
        el_wdeletestr(el, 1);
    }
    return CC_REFRESH;
}

static unsigned char on_quote(EditLine *el, int c) {
    (void)c;
    nr__editor_of(el)->quoting = 1;
    return CC_NORM;
}

static unsigned char on_paste(EditLine *el, int c) {
    (void)c;
    nr__editor_of(el)->pasting = 1;
    return CC_NORM;
}

static unsigned char on_newline(EditLine *el, int c) {
    (void)c;
    el_winsertstr(el, L"\n");
    return CC_REFRESH;
}

static unsigned char on_nothing(EditLine *el, int c) {
    (void)el;
    (void)c;
    return CC_NORM;
}

typedef struct action {
    const wchar_t *name;
    unsigned char (*run)(EditLine *, int);
} action_t;

static const action_t actions[] = {
    {L"nr-accept", on_accept}, {L"nr-complete", on_complete}, {L"nr-search", on_search},
    {L"nr-up", on_up},         {L"nr-down", on_down},         {L"nr-first", on_first},
    {L"nr-last", on_last},     {L"nr-redraw", on_redraw},     {L"nr-eof", on_eof},
    {L"nr-quote", on_quote},   {L"nr-paste", on_paste},       {L"nr-newline", on_newline},
    {L"nr-undo", on_undo},     {L"nr-nothing", on_nothing},
};

/* libedit's functions that read on by themselves (arguments, its own search and quoting) would
 * block the loop, so their keys are bound to something else. */
static const wchar_t *const bindings[][2] = {
    {L"^M", L"nr-accept"},
    {L"^J", L"nr-accept"},
    {L"\\e^M", L"nr-newline"},
    {L"\\e^J", L"nr-newline"},
    {L"^I", L"nr-complete"},
    {L"^R", L"nr-search"},
    {L"^D", L"nr-eof"},
    {L"^L", L"nr-redraw"},
    {L"^_", L"nr-undo"},
    {L"^P", L"nr-up"},
    {L"^N", L"nr-down"},
    {L"\\e[A", L"nr-up"},
    {L"\\eOA", L"nr-up"},
    {L"\\e[B", L"nr-down"},
    {L"\\eOB", L"nr-down"},
    {L"\\e<", L"nr-first"},
    {L"\\e>", L"nr-last"},
    {L"^V", L"nr-quote"},
    {L"^Q", L"nr-quote"},
    {L"\\e[200~", L"nr-paste"},
    {L"\\e[C", L"ed-next-char"},
    {L"\\eOC", L"ed-next-char"},
    {L"\\e[D", L"ed-prev-char"},
    {L"\\eOD", L"ed-prev-char"},
    {L"\\e[H", L"ed-move-to-beg"},
    {L"\\eOH", L"ed-move-to-beg"},
    {L"\\e[1~", L"ed-move-to-beg"},
    {L"\\e[7~", L"ed-move-to-beg"},
    {L"\\e[F", L"ed-move-to-end"},
    {L"\\eOF", L"ed-move-to-end"},
    {L"\\e[4~", L"ed-move-to-end"},
    {L"\\e[8~", L"ed-move-to-end"},
    {L"\\e[3~", L"ed-delete-next-char"},
    {L"\\e[1;5C", L"em-next-word"},
    {L"\\e[1;3C", L"em-next-word"},
    {L"\\e[1;5D", L"ed-prev-word"},
    {L"\\e[1;3D", L"ed-prev-word"},
    {L"\\e^?", L"ed-delete-prev-word"},
    {L"^W", L"ed-delete-prev-word"},
    {L"^U", L"vi-kill-line-prev"},
    {L"^@", L"nr-nothing"},
    {L"^C", L"nr-nothing"},
    {L"^G", L"nr-nothing"},
    {L"^O", L"nr-nothing"},
    {L"^S", L"nr-nothing"},
    {L"^X", L"nr-nothing"},
    {L"^Z", L"nr-nothing"},
    {L"^\\\\", L"nr-nothing"},
    {L"\\ex", L"nr-nothing"},
    {L"\\eX", L"nr-nothing"},
    {L"\\e-", L"nr-nothing"},
    {L"\\ep", L"nr-nothing"},
    {L"\\en", L"nr-nothing"},
    {L"\\eP", L"nr-nothing"},
    {L"\\eN", L"nr-nothing"},
};

void nr__editor_bind(EditLine *el) {
    el_set(el, EL_EDITOR, "emacs");
    for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++)
        el_wset(el, EL_ADDFN, actions[i].name, L"REPL", actions[i].run);
    for (size_t i = 0; i < sizeof bindings / sizeof bindings[0]; i++)
        el_wset(el, EL_BIND, bindings[i][0], bindings[i][1], NULL);
    for (wchar_t digit = L'0'; digit <= L'9'; digit++) {
        wchar_t key[] = {L'\\', L'e', digit, 0};
        el_wset(el, EL_BIND, key, L"nr-nothing", NULL);
    }
}

/* Whether a binding, as it is written above, is for this control sequence. */
static int is_for(const wchar_t *binding, const wchar_t *key, size_t len) {
    return wcsncmp(binding, L"\\e", 2) == 0 && wcslen(binding + 2) == len - 1 &&
           wmemcmp(binding + 2, key + 1, len - 1) == 0;
}

int nr__editor_knows(const wchar_t *key, size_t len) {
    if (len < 3 || key[0] != L'\033')
        return 1; /* libedit knows every character, and what it does with Alt */
    for (size_t i = 0; i < sizeof bindings / sizeof bindings[0]; i++) {
        if (is_for(bindings[i][0], key, len))
            return 1;
    }
    return 0;
}
