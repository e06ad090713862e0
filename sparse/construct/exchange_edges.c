/* SPDX-License-Identifier: Apache-2.0
 *
 * Edge lists. The names in the head decide which field is what; which comes first says nothing, as half of the programs
 * write where a connection comes from before where it leads to.
 */
#include <string.h>

#include "base/size.h"
#include "sparse/construct/exchange_reader.h"

enum meaning { MEANS_OUTPUT, MEANS_INPUT, MEANS_WEIGHT, MEANINGS };
enum { FIELDS_MAX = MEANINGS };

#define KNOWN "output, target, to or row; input, source, from, col or column; weight or value"

static const struct {
    const char *name;
    enum meaning meaning;
} names[] = {
    { "output", MEANS_OUTPUT }, { "target", MEANS_OUTPUT }, { "to", MEANS_OUTPUT },    { "row", MEANS_OUTPUT },
    { "input", MEANS_INPUT },   { "source", MEANS_INPUT },  { "from", MEANS_INPUT },   { "col", MEANS_INPUT },
    { "column", MEANS_INPUT },  { "weight", MEANS_WEIGHT }, { "value", MEANS_WEIGHT },
};

static const char *const meanings[MEANINGS] = { "the output", "the input", "the weight" };

/* Which field is what; -1: there is none. */
struct head {
    int field[MEANINGS];
    size_t fields;
};

static bool is_quoted(struct span field)
{
    return field.end - field.at >= 2 && *field.at == '"' && field.end[-1] == '"';
}

/* The next field of a line, which is moved behind it; without blanks and quotation marks. */
static struct span take_field(struct span *line)
{
    const char *comma = memchr(line->at, ',', (size_t)(line->end - line->at));
    struct span field = span_trim((struct span){ line->at, comma ? comma : line->end });

    line->at = comma ? comma + 1 : NULL;
    if (is_quoted(field))
        field = span_trim((struct span){ field.at + 1, field.end - 1 });
    return field;
}

/* At most FIELDS_MAX; FIELDS_MAX + 1 when there are more. */
static size_t split(struct span line, struct span fields[FIELDS_MAX])
{
    size_t count = 0;

    for (; line.at && count < FIELDS_MAX; count++)
        fields[count] = take_field(&line);
    return count + (line.at != NULL);
}

static int find_name(struct span field)
{
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        if (span_is(field, names[i].name))
            return (int)names[i].meaning;
    }
    return -1;
}

static int read_head(const struct exchange_reader *reader, struct span line, struct head *head, struct reason *why)
{
    struct span fields[FIELDS_MAX];
    size_t count = split(line, fields);
    char shown[SPAN_SHOWN];

    *head = (struct head){ { -1, -1, -1 }, count };
    for (size_t i = 0; i < MIN(count, FIELDS_MAX); i++) {
        int meaning = find_name(fields[i]);

        if (meaning < 0)
            return refuse(why, WISP_E_FORMAT, "%s:%u: \"%s\" is no known name of a column; known are " KNOWN,
                          reader->name, reader->line, span_shown(fields[i], shown));
        if (head->field[meaning] >= 0)
            return refuse(why, WISP_E_FORMAT, "%s:%u: two columns are %s", reader->name, reader->line,
                          meanings[meaning]);
        head->field[meaning] = (int)i;
    }
    if (count > FIELDS_MAX)
        return refuse(why, WISP_E_FORMAT, "%s:%u: more than %d columns; known names are " KNOWN, reader->name,
                      reader->line, FIELDS_MAX);
    for (int m = MEANS_OUTPUT; m <= MEANS_INPUT; m++) {
        if (head->field[m] < 0)
            return refuse(why, WISP_E_FORMAT, "%s:%u: no column is %s; known names are " KNOWN, reader->name,
                          reader->line, meanings[m]);
    }
    return 0;
}

static int refuse_width(const struct exchange_reader *reader, size_t count, const struct head *head, struct reason *why)
{
    const char *what = "";

    if (reader->info.headless && count == 2)
        what = ": output,input,weight; a list without weights needs a head line, as \"output,input\"";
    else if (reader->info.headless)
        what = ": output,input,weight";
    return refuse(why, WISP_E_FORMAT, "%s:%u: %zu fields are expected, separated by commas%s", reader->name,
                  reader->line, head->fields, what);
}

static int read_row(struct exchange_reader *reader, struct span line, const struct head *head, struct reason *why)
{
    struct span fields[FIELDS_MAX];
    size_t count = split(line, fields);
    uint64_t numbers[2] = { 0, 0 };
    char shown[SPAN_SHOWN];
    float weight = 0;
    int result = 0;

    if (count != head->fields)
        return refuse_width(reader, count, head, why);
    for (int m = MEANS_OUTPUT; m <= MEANS_INPUT; m++) {
        struct span field = fields[head->field[m]];

        if (!span_whole(field, &numbers[m]))
            return refuse(why, WISP_E_FORMAT, "%s:%u: \"%s\" is no number of %s; a whole number is expected",
                          reader->name, reader->line, span_shown(field, shown), meanings[m]);
    }
    if (head->field[MEANS_WEIGHT] >= 0)
        result = reader_weight(reader, fields[head->field[MEANS_WEIGHT]], &weight, why);
    return result ? result : reader_add(reader, numbers[MEANS_OUTPUT], numbers[MEANS_INPUT], weight, why);
}

static bool is_comment(struct span line)
{
    return line.at == line.end || *line.at == '#' || *line.at == '%';
}

/* Some programs write the head as a comment. */
static bool is_head_in_comment(struct span *line)
{
    struct span inside = *line;

    while (inside.at < inside.end && (*inside.at == '#' || *inside.at == '%'))
        inside.at++;
    inside = span_trim(inside);
    if (inside.at == line->at || find_name(take_field(&(struct span){ inside.at, inside.end })) < 0)
        return false;
    *line = inside;
    return true;
}

/* No number begins like that. */
static bool is_head(struct span line)
{
    struct span first = take_field(&line);

    return first.at < first.end && !strchr("0123456789+-.", *first.at);
}

int exchange_read_edges(struct exchange_reader *reader, struct reason *why)
{
    struct head head = { { 0, 1, 2 }, 3 };
    struct span line;
    bool begun = false;
    int result = 0;

    if (reader->rest.end - reader->rest.at >= 3 && !memcmp(reader->rest.at, "\xef\xbb\xbf", 3))
        reader->rest.at += 3;
    while (!result && reader_line(reader, &line)) {
        if (begun ? is_comment(line) : is_comment(line) && !is_head_in_comment(&line))
            continue;
        if (!begun && is_head(line)) {
            result = read_head(reader, line, &head, why);
        } else {
            reader->info.headless |= !begun;
            result = read_row(reader, line, &head, why);
        }
        begun = true;
    }
    reader->info.weighted = head.field[MEANS_WEIGHT] >= 0;
    return result;
}
