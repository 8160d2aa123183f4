/*
 * password-check FILE [PROGRAM [ARGUMENT...]]
 *
 * Reads a name, a password and a time, with a NUL behind each, from descriptor 3, as
 * checkpassword(8) does, and looks for a line "name:hash" in FILE, the hash as in crypt(5); it
 * skips empty lines and those that begin with #. If the password is right it runs PROGRAM, or exits
 * 0 without one.
 *
 * Exits 1 if the password is wrong or the name unknown, which takes the same time if all hashes are
 * of one method and cost; 2 if what it reads is malformed, 64 if its arguments are wrong, 111 if it
 * cannot tell.
 *
 * password-check --check FILE
 *
 * Prints what is wrong with FILE, a line each, and no name or hash; exits 0 if that is nothing, 1
 * if some user cannot log in, 78 if nobody can.
 *
 * No other process of its user can read its memory. A child reads what the client sent, and the
 * file, and computes; it is confined before, so that an attacker who takes it over can say yes,
 * and no more. SMTP_HANDLER_SANDBOX in the environment says whether to confine it: "on";
 * "required", to fail if the kernel cannot; or "off". With the first two it writes an octet to
 * descriptor 4: the bits of what the kernel lacks (handler/confine.h).
 */
#include <crypt.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "handler/confine.h"

enum { INPUT = 3, REPORT = 4, HASH_MAX = 512, MESSAGE_MAX = 512, BUFFER_SIZE = 16 * 1024 };

/* What the child finds; the first three are exit statuses, the others exit with TROUBLE. */
enum { RIGHT, WRONG, MISUSE, NO_INPUT, NO_FILE, NO_SANDBOX, TROUBLE = 111 };

enum sandbox { SANDBOX_UNASKED, SANDBOX_ON, SANDBOX_REQUIRED, SANDBOX_OFF };

static int trouble(const char *what)
{
    fprintf(stderr, "password-check: %s: %s\n", what, strerror(errno));
    return TROUBLE;
}

/* Reads up to the end. False if that fails. */
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

/* Ends the name in `line`. Returns the hash; NULL for a comment or a line without a colon. */
static char *split(char *line)
{
    line[strcspn(line, "\r\n")] = '\0';
    char *colon = strchr(line, ':');
    if (line[0] == '#' || colon == NULL)
        return NULL;
    *colon = '\0';
    return colon + 1;
}

/* Whether a password may match it: the hash of a locked one begins with ! or *. */
static bool is_usable(const char *hash)
{
    return hash != NULL && hash[0] != '\0' && hash[0] != '!' && hash[0] != '*' &&
           strlen(hash) < HASH_MAX;
}

/* Whether crypt(3) knows its method. */
static bool is_known(const char *hash)
{
    int result = crypt_checksalt(hash);
    return result != CRYPT_SALT_INVALID && result != CRYPT_SALT_METHOD_DISABLED;
}

/*
 * Finds the hash of `name`. If there is none, `hash` is the first of the others, or one of our own,
 * and we read the file to its end in any case: otherwise the time would tell whether the name is
 * there.
 */
static bool find_hash(FILE *file, const char *name, char hash[HASH_MAX])
{
    char *line = NULL;
    size_t size = 0;
    bool found = false, first = true;
    (void)snprintf(hash, HASH_MAX, "$6$smtp-handler$"); /* fits */
    while (getline(&line, &size, file) >= 0) {
        const char *its_hash = split(line);
        if (!is_usable(its_hash))
            continue;
        bool is_it = !found && strcmp(line, name) == 0;
        if ((!is_it && !first) || !is_known(its_hash))
            continue;
        (void)snprintf(hash, HASH_MAX, "%s", its_hash); /* fits */
        found = found || is_it;
        first = false;
    }
    free(line);
    return found;
}

/* Whether it has the form of a hash: the oldest has no mark of its own, but a length. */
static bool is_hash(const char *hash)
{
    const size_t traditional_length = 13;
    bool is_marked = hash[0] == '$' || hash[0] == '_';
    return strlen(hash) < HASH_MAX && is_known(hash) &&
           (is_marked || strlen(hash) == traditional_length);
}

/* Why no password matches the line, in words; NULL if one may, or if that is meant to be so. */
static const char *find_fault(char *line, bool *is_user)
{
    *is_user = false;
    if (line[0] == '#' || strcspn(line, "\r\n") == 0)
        return NULL;
    const char *hash = split(line);
    if (hash == NULL || line[0] == '\0')
        return "no line 'name:hash'";
    if (hash[0] == '!' || hash[0] == '*')
        return NULL;
    if (hash[0] == '\0')
        return "no password";
    *is_user = is_hash(hash);
    return *is_user ? NULL
                    : "no hash that crypt(5) knows, perhaps the password itself; make one with "
                      "'openssl passwd -6'";
}

/* --check */
static int check_lines(const char *name)
{
    char *line = NULL;
    size_t size = 0;
    unsigned number = 0, faults = 0, users = 0;
    bool is_user;
    FILE *file = fopen(name, "re");
    if (file == NULL) {
        printf("%s: %s\n", name, strerror(errno));
        return EX_CONFIG;
    }
    while (getline(&line, &size, file) >= 0) {
        const char *fault = find_fault(line, &is_user);
        number++;
        users += is_user ? 1 : 0;
        faults += fault != NULL ? 1 : 0;
        if (fault != NULL)
            printf("%s:%u: %s\n", name, number, fault);
    }
    bool failed = ferror(file) != 0;
    if (failed || users == 0)
        printf("%s: %s\n", name, failed ? strerror(errno) : "nobody can log in");
    free(line);
    (void)fclose(file); /* it was only read */
    return failed || users == 0 ? EX_CONFIG : faults > 0 ? 1 : 0;
}

/* Compares in a time that does not depend on the first difference. */
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

/* Reads name and password, and checks them against `file`. */
static int check(FILE *file)
{
    char message[MESSAGE_MAX + 1];
    size_t length;
    char hash[HASH_MAX];
    if (!read_message(message, &length))
        return NO_INPUT;
    size_t name_length = strnlen(message, length);
    if (name_length == length || length > MESSAGE_MAX)
        return MISUSE;
    const char *password = message + name_length + 1;
    if (strnlen(password, length - name_length - 1) == length - name_length - 1)
        return MISUSE;
    bool found = find_hash(file, message, hash);
    if (ferror(file) != 0)
        return NO_FILE;
    struct crypt_data data = {.initialized = 0};
    const char *computed = crypt_r(password, hash, &data);
    explicit_bzero(message, sizeof message);
    /* For a hash that it does not know crypt returns one that begins with *. */
    bool right = found && computed != NULL && computed[0] != '*' && equals(computed, hash);
    return right ? RIGHT : WRONG;
}

/* For good; returns what the kernel lacks. */
static unsigned confine(void)
{
    static const struct sock_filter filter[] = {
#include "handler/filter-password.inc"
    };
    static const struct confine_limit limits[] = {
        {RLIMIT_NOFILE, 0}, /* no new ones */
        {RLIMIT_FSIZE, 0},
        {RLIMIT_CPU, 60}, /* seconds: nobody waits for longer */
    };
    static const struct confinement confinement = {
        .filter = filter,
        .filter_length = sizeof filter / sizeof *filter,
        .limits = limits,
        .limit_count = sizeof limits / sizeof *limits,
    };
    return confine_enter(&confinement);
}

/* The child. */
static int check_confined(FILE *file, enum sandbox sandbox, pid_t parent)
{
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent)
        return NO_SANDBOX;
    unsigned missing = confine();
    const char report = (char)missing;
    if (sandbox != SANDBOX_UNASKED && write(REPORT, &report, 1) != 1)
        return NO_SANDBOX;
    return missing != 0 && sandbox == SANDBOX_REQUIRED ? NO_SANDBOX : check(file);
}

/* Lets a child check, which exits with what it found. */
static int check_in_child(FILE *file, enum sandbox sandbox)
{
    int status;
    pid_t parent = getpid();
    pid_t process = fork();
    if (process == 0)
        _exit(check_confined(file, sandbox, parent));
    (void)close(INPUT); /* the child has it */
    while (process > 0 && waitpid(process, &status, 0) < 0)
        if (errno != EINTR)
            return trouble("waitpid");
    if (process < 0)
        return trouble("fork");
    if (WIFEXITED(status))
        return WEXITSTATUS(status);
    fprintf(stderr, "password-check: ended by signal %d\n", WTERMSIG(status));
    return TROUBLE;
}

static enum sandbox find_sandbox(void)
{
    static const char *const words[] = {
        [SANDBOX_ON] = "on", [SANDBOX_REQUIRED] = "required", [SANDBOX_OFF] = "off"};
    const char *value = getenv("SMTP_HANDLER_SANDBOX");
    for (unsigned i = SANDBOX_ON; value != NULL && i <= SANDBOX_OFF; i++)
        if (strcmp(words[i], value) == 0)
            return (enum sandbox)i;
    return SANDBOX_UNASKED;
}

/* The exit status for what the child found; reports trouble. */
static int exit_status(int found, const char *file)
{
    static const char *const words[] = {
        [NO_INPUT] = "descriptor 3 cannot be read",
        [NO_FILE] = "cannot be read",
        [NO_SANDBOX] = "the kernel cannot confine it",
    };
    if (found < NO_INPUT || found == TROUBLE)
        return found;
    if (found <= NO_SANDBOX)
        fprintf(stderr, "password-check: %s: %s\n", file, words[found]);
    return TROUBLE;
}

static bool is_help(const char *argument)
{
    return strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0;
}

static const char usage[] = "usage: password-check FILE [PROGRAM [ARGUMENT...]]\n";

static int help(void)
{
    printf("%s\nReads a name, a password and a time, a NUL behind each, from descriptor 3; looks\n"
           "in FILE for a line \"name:hash\", the hash as in crypt(5). Exits 0, or runs PROGRAM,\n"
           "if the password is right, 1 if it is wrong. --check says which lines of FILE let\n"
           "nobody in; see password-check(8).\n",
           usage);
    return fflush(stdout) == 0 && ferror(stdout) == 0 ? RIGHT : TROUBLE;
}

int main(int argc, char **argv)
{
    static char buffer[BUFFER_SIZE]; /* so that stdio only reads: malloc and fstat would be other
                                        system calls */
    (void)confine_hide(true); /* cannot fail; other processes of the user could open descriptor 3 */
    enum sandbox sandbox = find_sandbox();
    if (argc == 2 && is_help(argv[1]))
        return help();
    if (argc == 3 && strcmp(argv[1], "--check") == 0)
        return check_lines(argv[2]);
    if (argc < 2 || argv[1][0] == '\0' || argv[1][0] == '-') {
        fputs(usage, stderr);
        return EX_USAGE;
    }
    if (fcntl(INPUT, F_GETFD) < 0)
        return trouble("descriptor 3");
    if (sandbox == SANDBOX_ON || sandbox == SANDBOX_REQUIRED)
        (void)fcntl(REPORT, F_SETFD, FD_CLOEXEC); /* or it is not there, which write(2) finds */
    FILE *file = fopen(argv[1], "re");
    if (file == NULL || setvbuf(file, buffer, _IOFBF, sizeof buffer) != 0)
        return trouble(argv[1]);
    int found = sandbox == SANDBOX_OFF ? check(file) : check_in_child(file, sandbox);
    (void)fclose(file); /* it was only read */
    int status = exit_status(found, argv[1]);
    if (status != RIGHT || argv[2] == NULL)
        return status;
    (void)execvp(argv[2], argv + 2);
    return trouble(argv[2]);
}
