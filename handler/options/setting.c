#include <stdio.h>

#include "handler/options/options.h"

void options_note(struct options *options, const void *target, const char *value, bool again)
{
    unsigned i = again ? options->setting_count : 0;
    while (i < options->setting_count && options->settings[i].target != target)
        i++;
    if (i == OPTIONS_SETTINGS_MAX)
        return;
    options->settings[i] = (struct options_setting){target, value, options->line};
    options->setting_count += i == options->setting_count ? 1 : 0;
}

unsigned options_line(const struct options *options, const void *target, const char *value)
{
    unsigned line = target == &options->command ? options->command_line : 0;
    for (unsigned i = 0; i < options->setting_count; i++) {
        const struct options_setting *setting = &options->settings[i];
        if (setting->target == target && (value == NULL || setting->value == value))
            line = setting->line;
    }
    return line;
}

struct options_place options_place(const struct options *options, const void *target,
                                   const char *value)
{
    struct options_place place = {""};
    unsigned line = options_line(options, target, value);
    if (line > 0)
        (void)snprintf(place.text, sizeof place.text, "%.200s:%u: ", options->config, line);
    return place;
}
