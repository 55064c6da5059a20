#ifndef KERF_PROCESSOR_FACTS_H
#define KERF_PROCESSOR_FACTS_H

// What this machine is, for those who measure it.

/// The processor's name for people, as it says itself; empty where it does not say.
void kerf_processor_name(char *target, long capacity);

/// Bytes of the largest cache; 0 where the system does not say.
long kerf_processor_largest_cache(void);

/// Bytes of memory; 0 where the system does not say.
long kerf_memory_byte_count(void);

/// Asks the system for large pages, where it has any.
void kerf_memory_advise_large_pages(void *start, long count);

#endif
