/* Version of the library. CMakeLists.txt, pack.sh and the packages of other targets read the numbers from here. */
#ifndef MIM_VERSION_H
#define MIM_VERSION_H

#define MIM_VERSION_MAJOR 0
#define MIM_VERSION_MINOR 2
#define MIM_VERSION_PATCH 0

/* Number of the bundle format that the library computes, `format` of the manifest. */
#define MIM_FORMAT 4

#endif
