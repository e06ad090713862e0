/* SPDX-License-Identifier: Apache-2.0
 *
 * words MODEL TEXT: each word of a text with what a model says of it, a line a word.
 *
 *     cc words.c $(pkg-config --cflags --libs wisp-media) -o words
 *     ./words text.semantics 'They run a race.'
 */
#include <stdio.h>
#include <string.h>
#include <wisp/media.h>

/* One sentence after the other; a program that has many sends them all, each with a request of its own. */
static int run(wisp_client *client, const wisp_model *model, wisp_words *words)
{
    wisp_request *request = NULL;
    int result = wisp_request_new(client, model, 1, &request);

    for (size_t i = 0; !result && i < wisp_words_samples(words); i++) {
        wisp_words_encode(words, i, wisp_request_input(request));
        result = wisp_submit(request);
        if (!result)
            result = wisp_wait(request, 1000);
        if (!result)
            result = wisp_words_take(words, i, wisp_request_output_tensor(request, 0));
    }
    wisp_request_free(request);
    return result;
}

int main(int argc, char **argv)
{
    wisp_client *client = NULL;
    wisp_model *model = NULL;
    wisp_words *words = NULL;
    int failed = argc != 3 || wisp_connect(&client, NULL) || wisp_find(client, argv[1], &model) ||
                 wisp_words_new(model, argv[2], strlen(argv[2]), &words) || run(client, model, words);

    if (failed)
        fprintf(stderr, "%s\n", argc == 3 ? wisp_last_error() : "usage: words MODEL TEXT");
    for (size_t i = 0; !failed && i < wisp_words_count(words); i++) {
        const struct wisp_word word = wisp_words_word(words, i);

        printf("%s\t%s\t%s\n", word.text, word.category, word.lemma ? word.lemma : "");
    }
    wisp_words_free(words);
    wisp_model_free(model);
    wisp_close(client);
    return failed;
}
