#include "session/text/span.h"
