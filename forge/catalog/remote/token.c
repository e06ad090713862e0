/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "forge/catalog/remote/token.h"

static int take(const char *from, const char *text, size_t length, struct token *out, struct reason *why)
{
    while (length && (text[length - 1] == '\n' || text[length - 1] == '\r'))
        length--;
    if (length < TOKEN_MIN || length > TOKEN_MAX)
        return refuse(why, WISP_E_INVALID, "%s: a token has %d to %d characters, not %zu", from, TOKEN_MIN, TOKEN_MAX,
                      length);
    for (size_t i = 0; i < length; i++) {
        if (text[i] <= ' ' || text[i] > '~')
            return refuse(why, WISP_E_INVALID, "%s: a token is of printable ASCII characters without spaces (byte %zu)",
                          from, i);
    }
    memcpy(out->text, text, length);
    out->text[length] = 0;
    return 0;
}

static int read_file(const char *path, struct token *out, struct reason *why)
{
    cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);
    cleanup_free void *text = NULL;
    struct stat status;
    size_t size;
    int result;

    if (fd < 0 || fstat(fd, &status) < 0)
        return refuse_errno(why, -errno, "cannot open the token %s", path);
    if (status.st_mode & 077)
        return refuse(why, WISP_E_INVALID, "others may read the token %s: chmod 600 %s", path, path);
    result = file_read_fd(fd, path, 4096, &text, &size, why);
    return result ? result : take(path, text, size, out, why);
}

int token_read(const char *path, struct token *out, struct reason *why)
{
    const char *file = path ? path : getenv("WISP_TOKEN_FILE"), *text = getenv("WISP_TOKEN");

    out->text[0] = 0;
    if (file && *file)
        return read_file(file, out, why);
    return text && *text ? take("WISP_TOKEN", text, strlen(text), out, why) : 0;
}

bool token_equal(const struct token *token, const char *text)
{
    size_t length = strlen(token->text), given = strlen(text);
    unsigned char difference = length != given;

    if (!length || !given)
        return false;
    for (size_t i = 0; i < length; i++)
        difference |= (unsigned char)(token->text[i] ^ text[i < given ? i : 0]);
    return !difference;
}
