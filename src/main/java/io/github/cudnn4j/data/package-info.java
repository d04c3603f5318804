/**
 * Batches: how data become numbers in device memory, and the ring of pinned memory that feeds them.
 */
package io.github.cudnn4j.data;
