#include "../../../../c/include/mim.h"
