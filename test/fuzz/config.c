/*
 * libFuzzer target: the command line and the configuration file. The first line of the input holds
 * arguments with a blank between each; the rest is the file. Asserted is that
 *
 * - what is taken is within its bounds, what is refused gets words and an exit status;
 * - what stands on the command line wins;
 * - nothing is left over of what was read before.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sysexits.h>
#include <unistd.h>

#include "handler/options/options.h"

enum { LINE_MAX = 4096, ARGUMENTS_MAX = 256 };

static char config[64]; /* the file's name */
static int file = -1;
static struct options options, by_arguments, before;
static char line[LINE_MAX];
static char *arguments[ARGUMENTS_MAX + 4];

static void write_file(struct span text)
{
    if (file < 0) {
        file = memfd_create("config", MFD_CLOEXEC);
        (void)snprintf(config, sizeof config, "/proc/self/fd/%d", file); /* fits */
    }
    assert(file >= 0 && ftruncate(file, 0) == 0);
    assert(pwrite(file, text.octets, text.length, 0) == (ssize_t)text.length);
}

/* Makes them of `text`, behind the file's name; they name no file of their own. */
static int make_arguments(struct span text)
{
    static char program[] = "smtp-handler", option[] = "--config";
    int count = 0;
    char *rest = line;
    memcpy(line, text.octets, text.length);
    line[text.length] = '\0';
    arguments[count++] = program;
    arguments[count++] = option;
    arguments[count++] = config;
    for (char *word = strsep(&rest, " "); word != NULL && count < ARGUMENTS_MAX + 3;
         word = strsep(&rest, " "))
        if (strncmp(word, "--config", strlen("--config")) != 0 && word[0] != '\0')
            arguments[count++] = word;
    arguments[count] = NULL;
    return count;
}

static void check_names(const char *const *names, unsigned count, unsigned max)
{
    assert(count <= max);
    for (unsigned i = 0; i < count; i++)
        assert(names[i][0] != '\0' && strchr(names[i], '\n') == NULL);
}

static void check_numbers(void)
{
    assert(options.max_size <= UINT64_MAX / 2);
    assert(options.max_recipients >= 1 && options.max_recipients <= ENVELOPE_RECIPIENTS_MAX);
    assert(options.max_messages >= 1 && options.max_errors >= 1);
    assert(options.max_connections >= 1 && options.max_connections <= OPTIONS_CONNECTIONS_MAX);
    assert(options.max_connections_per_source >= 1 &&
           options.max_connections_per_source <= OPTIONS_CONNECTIONS_MAX);
    assert(options.command_timeout >= 1 && options.data_timeout >= 1);
    assert(options.delivery_timeout >= 1 && options.session_timeout >= 1);
    assert(options.tls <= TLS_OPTION_BEST && options.log <= LOG_OPTION_BEST);
    assert(options.newlines <= NEWLINES_OPTION_AUTO);
    assert(options.line_ending <= LINE_ENDING_CRLF);
    assert(strchr("@.\"", options.recipient_delimiter) == NULL);
    assert(options.recipient_delimiter > ' ' && options.recipient_delimiter <= '~');
    assert(options.xclient.count <= CIDR_LIST_MAX);
    for (unsigned i = 0; i < options.xclient.count; i++)
        assert(options.xclient.list[i].bits <= 128);
}

/* The number of words, each of them a string. */
static unsigned count_words(char *const *words)
{
    unsigned count = 0;
    for (; words[count] != NULL; count++)
        assert(strlen(words[count]) <= OPTIONS_FILE_MAX);
    return count;
}

static void check_options(struct span text)
{
    check_numbers();
    check_names(options.tls_certificates.names, options.tls_certificates.count,
                OPTIONS_TLS_PAIRS_MAX);
    check_names(options.tls_keys.names, options.tls_keys.count, OPTIONS_TLS_PAIRS_MAX);
    check_names(options.domains.names, options.domains.count, OPTIONS_DOMAINS_MAX);
    for (unsigned i = 0; i < options.domains.count; i++) {
        const char *name = options.domains.names[i];
        bool is_all_below = strncmp(name, "*.", 2) == 0;
        assert(strcmp(name, "*") == 0 ||
               domain_is_valid_utf8(span_of(is_all_below ? name + 2 : name)));
    }
    assert(options.hostname == NULL || domain_is_valid(span_of(options.hostname)));
    if (options.help || options.version)
        return;
    assert(text.length <= OPTIONS_FILE_MAX && span_find(text, '\0') == text.length);
    bool may_lack = options.recipients != NULL && !options.submission;
    assert(options.command == NULL ? may_lack : count_words(options.command) >= 1);
    assert(options.command != options.words || count_words(options.words) <= OPTIONS_WORDS_MAX);
    unsigned words = count_words(options.auth);
    assert(words != 1 && words <= OPTIONS_WORDS_MAX + 1);
    assert(words == 0 || strcmp(options.auth[words - 1], "true") == 0);
}

static void check_problem(const struct problem *problem)
{
    size_t length = strnlen(problem->text, sizeof problem->text);
    assert(problem->status == EX_OK || problem->status == EX_USAGE || problem->status == EX_CONFIG);
    assert(length > 0 && length < sizeof problem->text);
    bool of_file = strncmp(problem->text, config, strlen(config)) == 0;
    assert(!of_file || strchr(problem->text, '\n') == NULL);
}

/* All that options_read sets but the name of the file and, at the end, what words are kept in. */
static const size_t values_start = offsetof(struct options, hostname);
static const size_t values_end = offsetof(struct options, command);

/* Each octet that the arguments alone made another than it is without them stays so. */
static void check_arguments_win(int count)
{
    static char program[] = "smtp-handler", command[] = "true";
    char *none[] = {program, command, NULL};
    static struct problems problems;
    problems = (struct problems){0};
    arguments[2] = program;
    options_read(&by_arguments, count - 2, arguments + 2, &problems);
    arguments[2] = config;
    if (!problems_allow(&problems))
        return;
    options_read(&before, 2, none, &problems);
    assert(problems_allow(&problems));
    for (size_t i = values_start; i < values_end; i++) {
        char octet = ((const char *)&by_arguments)[i];
        /* Its words are kept where the other options are. */
        bool of_auth = i >= offsetof(struct options, auth) && i < offsetof(struct options, xclient);
        assert(octet == ((const char *)&before)[i] || octet == ((const char *)&options)[i] ||
               of_auth);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span input = {(const char *)data, size};
    size_t length = span_find(input, '\n');
    static struct problems problems, again;
    if (length == size || length >= sizeof line)
        return 0;
    struct span text = span_after(input, length + 1);
    write_file(text);
    int count = make_arguments(span_first(input, length));
    memset(&options, 0, sizeof options);
    problems = again = (struct problems){0};
    options_read(&options, count, arguments, &problems);
    bool taken = problems_allow(&problems);
    if (taken)
        check_options(text);
    memcpy(&before, &options, sizeof before);
    options_read(&options, count, arguments, &again);
    assert(problems.count == again.count);
    for (unsigned i = 0; i < problems.count && i < PROBLEMS_MAX; i++) {
        check_problem(&problems.list[i]);
        assert(problems.list[i].status == again.list[i].status &&
               strcmp(problems.list[i].text, again.list[i].text) == 0);
    }
    assert(memcmp((const char *)&before + values_start, (const char *)&options + values_start,
                  values_end - values_start) == 0);
    if (taken)
        check_arguments_win(count);
    return 0;
}
