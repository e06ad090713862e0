/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "forge/labels/labels.h"
#include "media/spec/media.h"
#include "media/text/utf16.h"
#include "sparse/graph/model.h"

enum { LABEL_FILE_MAX = 16 << 20 };

static int compare_entries(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int refuse_twice(const struct labels *labels, const char *path, struct reason *why)
{
    cleanup_free char **sorted = malloc((labels->count + 1) * sizeof *sorted);

    if (!sorted)
        return refuse_errno(why, -ENOMEM, "%s", path);
    memcpy(sorted, labels->entries, labels->count * sizeof *sorted);
    qsort(sorted, labels->count, sizeof *sorted, compare_entries);
    for (size_t i = 1; i < labels->count; i++) {
        if (!strcmp(sorted[i - 1], sorted[i]))
            return refuse(why, WISP_E_FORMAT, "%s: the label '%s' stands there twice", path, sorted[i]);
    }
    return 0;
}

static int check(const char *path, size_t number, const char *label, struct reason *why)
{
    size_t length = strlen(label);
    int result;

    if (!length)
        return refuse(why, WISP_E_FORMAT, "%s:%zu: the line is empty; write one label a line", path, number);
    if (length > MODEL_LABEL_BYTES)
        return refuse(why, WISP_E_FORMAT, "%s:%zu: a label has 1 to %d bytes, this one has %zu", path, number,
                      MODEL_LABEL_BYTES, length);
    result = media_check_text("label", label, length, why);
    return result ? refuse_in(why, result, "%s:%zu", path, number) : 0;
}

static int split(struct labels *labels, const char *path, struct reason *why)
{
    char *line = labels->text;
    int result;

    while (*line) {
        char *end = line + strcspn(line, "\n");
        bool more = *end == '\n';

        *end = 0;
        if (end > line && end[-1] == '\r')
            end[-1] = 0;
        if ((result = check(path, labels->count + 1, line, why)))
            return result;
        if (labels->count == MODEL_LABELS_MAX)
            return refuse(why, WISP_E_FORMAT, "%s: more than %d labels", path, MODEL_LABELS_MAX);
        labels->entries[labels->count++] = line;
        line = end + more;
    }
    if (!labels->count)
        return refuse(why, WISP_E_FORMAT, "%s is empty; write one label a line", path);
    return refuse_twice(labels, path, why);
}

int labels_read(const char *path, struct labels *out, struct reason *why)
{
    struct labels labels = LABELS_NULL;
    size_t size, lines = 1;
    void *data;
    int result = file_read(path, LABEL_FILE_MAX, &data, &size, why);

    if (!result && (result = text_unmark(path, &data, &size, why)))
        free(data);
    if (result)
        return result;
    labels.text = data;
    if (strlen(labels.text) != size) {
        labels_deinit(&labels);
        return refuse(why, WISP_E_FORMAT, "%s is not a text file: it has a zero byte", path);
    }
    for (size_t i = 0; i < size; i++)
        lines += labels.text[i] == '\n';
    labels.entries = calloc(lines, sizeof *labels.entries);
    result = labels.entries ? split(&labels, path, why) : refuse_errno(why, -ENOMEM, "%s", path);
    if (result)
        labels_deinit(&labels);
    else
        *out = labels;
    return result;
}

void labels_deinit(struct labels *labels)
{
    free(labels->entries);
    free(labels->text);
    *labels = LABELS_NULL;
}
