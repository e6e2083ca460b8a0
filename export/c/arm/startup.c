/* From reset to main. Semihosting passes the output and the exit status of the program to QEMU. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

extern uint32_t data_start, data_end, data_load, bss_start, bss_end;
/* Not a function, but declared as one because the vector table, an array of functions, holds its address. */
void stack_top(void);

/* Of the semihosting C library: opens stdout. */
void initialise_monitor_handles(void);
int main(void);
void reset(void);

static void fault(void) { _Exit(3); }

void reset(void) {
#ifdef __ARM_FP
    *(volatile uint32_t *)0xe000ed88 |= 0xfu << 20; /* CPACR: enable the floating-point unit */
    __asm volatile("dsb\n isb");
#endif
    memcpy(&data_start, &data_load, (size_t)((uintptr_t)&data_end - (uintptr_t)&data_start));
    memset(&bss_start, 0, (size_t)((uintptr_t)&bss_end - (uintptr_t)&bss_start));
    initialise_monitor_handles();
    exit(main());
}

__attribute__((section(".vectors"), used)) static void (*const vectors[])(void) = {
    stack_top, reset, fault, fault, fault, fault, fault};
