/* SPDX-License-Identifier: Apache-2.0
 *
 * A sentence ends with a mark that ends one, and what closes it, before white space; or before an empty line. A full
 * stop behind an initial or a title, or before a small letter, ends none. Chinese and Japanese marks need no space.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <jansson.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/insist.h"
#include "base/json/json_memory.h"
#include "base/size.h"
#include "client/cli/facts.h"
#include "client/cli/run/decoded.h"
#include "client/cli/run/sentences.h"
#include "client/cli/run/written.h"
#include "media/text/utf16.h"

/* ---- where a sentence ends ---- */

struct text {
    const char *bytes;
    size_t length;
};

static const char *const marks[] = { "!", "?", "…" };
static const char *const wide_marks[] = { "。", "！", "？" };
static const char *const closing[] = { "\"", "'", ")", "]", "”", "’", "»", "」", "』", "）" };
static const char *const titles[] = { "Mr", "Mrs", "Ms", "Dr", "Prof", "St", "Jr", "Sr", "vs", "etc" };

/* Bytes of the one that the text has there; 0: of none. */
static size_t match(const struct text *text, size_t at, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const size_t length = strlen(list[i]);

        if (length <= text->length - at && !memcmp(text->bytes + at, list[i], length))
            return length;
    }
    return 0;
}

static bool is_space(const struct text *text, size_t at)
{
    return at < text->length && isspace((unsigned char)text->bytes[at]);
}

static size_t behind_space(const struct text *text, size_t at)
{
    while (is_space(text, at))
        at++;
    return at;
}

/* An initial, or one of the titles, ends before `stop`. "I" is a word. */
static bool is_shortened(const struct text *text, size_t stop)
{
    size_t begin = stop, length;

    while (begin > 0 && isalpha((unsigned char)text->bytes[begin - 1]))
        begin--;
    length = stop - begin;
    if (length == 1)
        return text->bytes[begin] != 'I';
    for (size_t i = 0; i < ARRAY_SIZE(titles); i++) {
        if (strlen(titles[i]) == length && !strncasecmp(titles[i], text->bytes + begin, length))
            return true;
    }
    return false;
}

static bool full_stop_ends(const struct text *text, size_t stop, size_t after)
{
    const size_t next = behind_space(text, after);

    return next == text->length || (!islower((unsigned char)text->bytes[next]) && !is_shortened(text, stop));
}

static bool is_empty_line(const struct text *text, size_t at)
{
    if (text->bytes[at] != '\n')
        return false;
    for (at++; is_space(text, at); at++) {
        if (text->bytes[at] == '\n')
            return true;
    }
    return false;
}

/* Where the marks that stand there end, with what closes them; `at` where there are none. */
static size_t behind_marks(const struct text *text, size_t at, bool *wide)
{
    const size_t begin = at;
    size_t length = 0;

    do {
        const size_t one = match(text, at, wide_marks, ARRAY_SIZE(wide_marks));

        *wide |= one > 0;
        length = one                                           ? one
                 : at < text->length && text->bytes[at] == '.' ? 1
                                                               : match(text, at, marks, ARRAY_SIZE(marks));
        at += length;
    } while (length);
    while (at > begin && (length = match(text, at, closing, ARRAY_SIZE(closing))))
        at += length;
    return at;
}

/* Of a text that does not begin with white space. */
static size_t sentence_length(const struct text *text)
{
    for (size_t at = 0; at < text->length;) {
        bool wide = false;
        const size_t after = behind_marks(text, at, &wide);

        if (after == at) {
            if (is_empty_line(text, at))
                return at;
            at++;
            continue;
        }
        insist(after > at && after <= text->length, "%zu, %zu of %zu", at, after, text->length);
        if (wide || after == text->length)
            return after;
        if (is_space(text, after) && (text->bytes[at] != '.' || full_stop_ends(text, at, after)))
            return after;
        at = after;
    }
    return text->length;
}

/* Takes the next one off the text; false: there is none. Of white space alone it is that, once, which is then refused.
 */
static bool take_sentence(struct text *text, size_t taken, struct text *out)
{
    const size_t begin = behind_space(text, 0);

    if (begin == text->length && taken)
        return false;
    *out = (struct text){ text->bytes + begin, text->length - begin };
    if (begin == text->length)
        *out = *text;
    else
        out->length = sentence_length(out);
    text->length -= (size_t)(out->bytes + out->length - text->bytes);
    text->bytes = out->bytes + out->length;
    return true;
}

/* ---- what is said ---- */

bool sentences_are_for(const struct run *run, const struct input *input)
{
    return wisp_model_words(run->model) && !strcmp(wisp_model_processing(run->model), "text.translation") &&
           !run->tensor && !run->raw && !input->named && !input->file;
}

/* What all sentences come to, for a program: their words, and a line each where the model says what these stand for. */
struct said {
    json_t *words, *lines;
    bool headed; /* for a person: what it is an answer to stands there */
};

static int add_json(const struct run *run, struct said *said)
{
    cleanup_json json_t *part = json_object();
    const int result = part ? decoded_json(run, part) : -ENOMEM;
    json_t *text = result ? NULL : json_object_get(part, "text");

    if (result || json_array_extend(said->words, json_object_get(part, "words")))
        return -ENOMEM;
    return text ? json_array_append(said->lines, text) : 0;
}

static int write_sentence(struct run *run)
{
    cleanup_free char *text = NULL;
    const int result = decoded_text(run, &text);

    if (!result)
        written_row(run, 1, (const char *const[]){ text });
    return result;
}

static int print_sentence(struct run *run, struct said *said)
{
    int result = run->writes ? write_sentence(run) : 0;

    if (!result && run->json)
        result = add_json(run, said);
    return result || run->writes || run->json ? result : decoded_print(run);
}

/* Before the first words come, and after what cannot be asked. */
static void print_heading(const struct run *run, const struct answer *answer, struct said *said)
{
    if (!said->headed && !run->writes && !run->json)
        answer_print_heading(run, answer);
    said->headed = true;
}

static int run_sentence(struct run *run, const struct input *input, struct answer *answer, struct said *said,
                        struct reason *why)
{
    uint64_t begun;
    int result = run_prepare(run, 1, why);

    if (result)
        return input_refuse(input, result, why);
    begun = clock_ns();
    result = input_encode(run, input, wisp_request_input_tensor(run->request, 0), why);
    answer->encode_ns += clock_ns() - begun;
    if (result)
        return result;
    print_heading(run, answer, said);
    result = run_send(run, why);
    if (result)
        return input_refuse(input, result, why);
    answer->wake_ns = answer->timings.total_ns ? 0 : wisp_request_wake_ns(run->request); /* of one request */
    run_add_timings(run, &answer->timings);
    return 0;
}

/* One after the other: what is said of the first is there before the last is asked. */
static int run_sentences(struct run *run, struct text text, struct answer *answer, struct said *said,
                         struct reason *why)
{
    struct text sentence;
    int result = 0;

    for (size_t taken = 0; !result && take_sentence(&text, taken, &sentence); taken++) {
        struct input part = *answer->input;

        part.path = NULL;
        part.text = sentence.bytes;
        part.length = sentence.length;
        result = run_sentence(run, &part, answer, said, why);
        if (!result && print_sentence(run, said))
            result = refuse_errno(why, -ENOMEM, "%s", part.name);
    }
    return result;
}

/* The lines of all sentences; freed by the caller. NULL: out of memory. */
static char *join(const json_t *lines)
{
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);

    for (size_t i = 0; out && i < json_array_size(lines); i++)
        fprintf(out, "%s%s", i ? "\n" : "", json_string_value(json_array_get(lines, i)));
    return out && !fclose(out) ? text : NULL;
}

static int print_json(const struct run *run, const struct answer *answer, const struct said *said)
{
    cleanup_free char *text = join(said->lines);
    json_t *object = answer_json(run, answer->input);

    if (!text || !object) {
        json_decref(object);
        return -ENOMEM;
    }
    if (json_array_size(said->lines))
        json_object_set_new(object, "text", text_json(text));
    json_object_set(object, "words", said->words);
    return answer_print_json(run, answer, object);
}

static int print_end(struct run *run, const struct answer *answer, const struct said *said)
{
    if (run->writes)
        written_end(run);
    if (run->json)
        return print_json(run, answer, said);
    if (run->writes)
        answer_print_written(run, answer);
    else
        answer_print_timings(run, answer);
    return 0;
}

int sentences_run(struct run *run, const struct input *input, struct reason *why)
{
    cleanup_json json_t *words = json_array(), *lines = json_array();
    struct said said = { words, lines, false };
    struct answer answer = { .input = input };
    cleanup_free void *bytes = NULL;
    cleanup_free char *made = NULL;
    struct text text = { .length = 0 };
    const void *utf8;
    int result =
        words && lines ? input_read(input, &bytes, &text.length, why) : refuse_errno(why, -ENOMEM, "%s", input->name);

    utf8 = bytes;
    if (!result)
        result = utf16_resolve(input->name, &utf8, &text.length, &made, why);
    if (result)
        return input_refuse(input, result, why);
    text.bytes = utf8;
    if (run->writes)
        written_begin(run, input);
    result = run_sentences(run, text, &answer, &said, why);
    if (!result && print_end(run, &answer, &said))
        result = refuse_errno(why, -ENOMEM, "%s", input->name);
    return result;
}
