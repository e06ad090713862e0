/* SPDX-License-Identifier: Apache-2.0 */
#include <stdbool.h>
#include <string.h>

#include "sparse/graph/name.h"

static bool is_lower(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

static bool is_letter_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

int name_check(const char *what, const char *text, size_t size, struct reason *why)
{
    size_t length = strnlen(text, size);

    if (length == size)
        return refuse(why, WISP_E_FORMAT, "%s is longer than %zu bytes", what, size - 1);
    if (!length)
        return refuse(why, WISP_E_FORMAT, "%s is empty", what);
    for (size_t i = 0; i < length; i++) {
        if (!is_letter_or_digit(text[i]) && (i == 0 || !strchr("._-", text[i])))
            return refuse(why, WISP_E_FORMAT,
                          "%s is not of letters, digits, '.', '_' and '-', beginning with a letter or digit (byte %zu)",
                          what, i);
    }
    return 0;
}

int processing_check(const char *text, struct reason *why)
{
    size_t length = strnlen(text, MODEL_NAME_MAX), word = 0, words = 1;

    if (length == MODEL_NAME_MAX)
        return refuse(why, WISP_E_FORMAT, "the processing type is longer than %d bytes", MODEL_NAME_MAX - 1);
    for (size_t i = 0; i <= length; i++) {
        if (is_lower(text[i])) {
            word++;
        } else if (word && text[i] == '.' && words == 1) {
            words++;
            word = 0;
        } else if (i < length || !word) {
            return refuse(why, WISP_E_FORMAT,
                          "the processing type is not \"modality\" or \"modality.task\" of a-z, 0-9, '_' and '-' "
                          "(byte %zu)",
                          i);
        }
    }
    return 0;
}
