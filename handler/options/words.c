#include "handler/options/words.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

struct span words_before_comment(struct span text)
{
    bool quoted = false, has_comment = span_find(text, '#') < text.length;
    for (size_t i = 1; has_comment && i < text.length; i++) {
        if (text.octets[i] == '#' && !quoted && is_blank(text.octets[i - 1]))
            return span_first(text, i);
        quoted ^= text.octets[i] == '"';
    }
    return text;
}

_Static_assert(OPTIONS_WORDS_MAX == 64, "words_split says so");

const char *words_split(char *text, bool quotes, char **words)
{
    unsigned count = 0;
    bool quoted = false;
    if (quotes && strstr(text, "\\\"") != NULL)
        return "a backslash means nothing, and a double quote cannot be written";
    while (*(text += strspn(text, " \t")) != '\0' && count < OPTIONS_WORDS_MAX) {
        char *to = text;
        words[count++] = text;
        for (; *text != '\0' && (quoted || !is_blank(*text)); text++) {
            if (quotes && *text == '"')
                quoted = !quoted;
            else
                *to++ = *text;
        }
        text += *text != '\0' ? 1 : 0; /* before the word's end may overwrite it */
        *to = '\0';
    }
    words[count] = NULL;
    if (quoted)
        return "a double quote is left open";
    return *text != '\0' ? "more than 64 words" : NULL;
}

bool words_are_continued(struct span text)
{
    size_t length = text.length;
    return length > 1 && text.octets[length - 1] == '\\' && is_blank(text.octets[length - 2]);
}
