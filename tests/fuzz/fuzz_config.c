/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes as a configuration: it is refused with a place and a sentence, or what was understood reads back to the
 * same when it is printed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition)
{
    if (!condition)
        abort();
}

static char *print(const struct config *config, size_t *size)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, size);

    require(out && !config_print(config, out));
    fclose(out);
    return text;
}

static void read_back(const struct config *config)
{
    struct config again;
    struct reason why = { 0 };
    size_t size, size_again;
    char *text = print(config, &size), *text_again;

    require(!config_init(&again));
    if (config_parse("printed", text, size, &again, stderr, &why)) {
        fprintf(stderr, "%s\n%s", why.text, text);
        abort();
    }
    text_again = print(&again, &size_again);
    require(size == size_again && !memcmp(text, text_again, size));
    free(text);
    free(text_again);
    config_deinit(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config config;
    struct reason why = { 0 };
    char *errors = NULL;
    size_t errors_size;
    FILE *out = open_memstream(&errors, &errors_size);
    int result;

    require(out && !config_init(&config));
    result = config_parse("fuzz", (const char *)data, size, &config, out, &why);
    fclose(out);
    if (result) {
        require(result == WISP_E_CONFIG && !strncmp(why.text, "fuzz:", 5) && errors_size > 0);
        require(errors[errors_size - 1] == '\n');
    } else {
        require(!errors_size);
        read_back(&config);
    }
    free(errors);
    config_deinit(&config);
    return 0;
}
