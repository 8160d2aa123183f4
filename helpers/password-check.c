/*
 * password-check FILE [PROGRAM [ARGUMENT...]]
 *
 * Reads a name, a password and a time, with a NUL behind each, from descriptor 3, as
 * checkpassword(8) does, and looks for a line "name:hash" in FILE, the hash as crypt(5) has it;
 * empty lines and those that begin with # do not count. Where the password is right it runs
 * PROGRAM, or exits 0 without one.
 *
 * Exits 1 where it is wrong or nobody has that name, which take the same time where all hashes are
 * of one method and cost; 2 where it was started wrongly, 111 where it cannot tell.
 */
#include <crypt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { INPUT = 3, HASH_MAX = 512, MESSAGE_MAX = 512, WRONG = 1, MISUSE = 2, TROUBLE = 111 };

static int trouble(const char *what)
{
    perror(what);
    return TROUBLE;
}

/* Reads up to the end; the strings it holds are ended. False where that fails. */
static bool read_message(char message[MESSAGE_MAX + 1], size_t *length)
{
    ssize_t count = 1;
    *length = 0;
    while (count > 0 && *length < MESSAGE_MAX + 1) {
        count = read(INPUT, message + *length, MESSAGE_MAX + 1 - *length);
        *length += count > 0 ? (size_t)count : 0;
    }
    return count >= 0;
}

/* Cuts `line` at its end and behind the name; the hash, NULL where the line is of no use. */
static char *split(char *line)
{
    line[strcspn(line, "\r\n")] = '\0';
    char *colon = strchr(line, ':');
    if (line[0] == '#' || colon == NULL)
        return NULL;
    *colon = '\0';
    return colon + 1;
}

/* Whether a password may be right by it: a locked one begins with a character that no hash has. */
static bool is_usable(const char *hash)
{
    return hash != NULL && hash[0] != '\0' && hash[0] != '!' && hash[0] != '*' &&
           strlen(hash) < HASH_MAX;
}

/*
 * Finds the hash of `name`. Where there is none it is the first of the others, or one of our own:
 * the time that it takes to compute is what would tell a name that is there from one that is not.
 */
static bool find_hash(FILE *file, const char *name, char hash[HASH_MAX])
{
    char *line = NULL;
    size_t size = 0;
    bool found = false, first = true;
    (void)snprintf(hash, HASH_MAX, "$6$smtp-handler$"); /* fits */
    while (!found && getline(&line, &size, file) >= 0) {
        const char *its_hash = split(line);
        if (!is_usable(its_hash))
            continue;
        found = strcmp(line, name) == 0;
        if (found || first)
            (void)snprintf(hash, HASH_MAX, "%s", its_hash); /* fits */
        first = false;
    }
    free(line);
    return found;
}

/* In a time that does not depend on where they differ. */
static bool equals(const char *a, const char *b)
{
    size_t length = strlen(a);
    unsigned difference = 0;
    if (length != strlen(b))
        return false;
    for (size_t i = 0; i < length; i++)
        difference |= (unsigned)(a[i] ^ b[i]);
    return difference == 0;
}

int main(int argc, char **argv)
{
    char message[MESSAGE_MAX + 1];
    size_t length;
    char hash[HASH_MAX];
    if (argc < 2)
        return MISUSE;
    if (!read_message(message, &length))
        return trouble("descriptor 3");
    size_t name_length = strnlen(message, length);
    if (name_length == length || length > MESSAGE_MAX)
        return MISUSE;
    const char *password = message + name_length + 1;
    if (strnlen(password, length - name_length - 1) == length - name_length - 1)
        return MISUSE;
    FILE *file = fopen(argv[1], "re");
    if (file == NULL)
        return trouble(argv[1]);
    bool found = find_hash(file, message, hash);
    if (ferror(file) != 0)
        return trouble(argv[1]);
    (void)fclose(file); /* it was only read */
    struct crypt_data data = {.initialized = 0};
    const char *computed = crypt_r(password, hash, &data);
    explicit_bzero(message, sizeof message);
    /* A hash that crypt does not know makes one that begins with *. */
    if (!found || computed == NULL || computed[0] == '*' || !equals(computed, hash))
        return WRONG;
    if (argv[2] == NULL)
        return EXIT_SUCCESS;
    (void)execvp(argv[2], argv + 2);
    return trouble(argv[2]);
}
