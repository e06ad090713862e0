/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/yaml/findings.h"

int findings_init(struct findings *findings)
{
    *findings = (struct findings){ .list = calloc(FINDINGS_MAX, sizeof *findings->list) };
    return findings->list ? 0 : -ENOMEM;
}

void findings_deinit(struct findings *findings)
{
    free(findings->list);
    *findings = (struct findings){ 0 };
}

static int mark_is_after(struct mark a, struct mark b)
{
    return a.line != b.line ? a.line > b.line : a.column > b.column;
}

void findings_add(struct findings *findings, struct mark mark, const char *format, ...)
{
    size_t at = findings->count;
    struct finding *list = findings->list;
    va_list arguments;

    if (findings->count == FINDINGS_MAX) {
        findings->dropped++;
        return;
    }
    while (at > 0 && mark_is_after(list[at - 1].mark, mark))
        at--;
    memmove(list + at + 1, list + at, (findings->count - at) * sizeof *list);
    findings->count++;
    list[at].mark = mark;
    va_start(arguments, format);
    vsnprintf(list[at].text, sizeof list[at].text, format, arguments);
    va_end(arguments);
}

int findings_report(const struct findings *findings, const char *name, FILE *out, struct reason *why)
{
    const struct finding *first = findings->list;

    if (!findings->count)
        return 0;
    for (size_t i = 0; out && i < findings->count; i++) {
        const struct finding *finding = findings->list + i;

        if (finding->mark.line)
            fprintf(out, "%s:%u:%u: %s\n", name, finding->mark.line, finding->mark.column, finding->text);
        else
            fprintf(out, "%s: %s\n", name, finding->text);
    }
    if (out && findings->dropped)
        fprintf(out, "%s: %zu more errors are not shown\n", name, findings->dropped);
    if (first->mark.line)
        return refuse(why, WISP_E_CONFIG, "%s:%u:%u: %s", name, first->mark.line, first->mark.column, first->text);
    return refuse(why, WISP_E_CONFIG, "%s: %s", name, first->text);
}
