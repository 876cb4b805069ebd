/* Ends an item type, so that the next can begin. */
#undef SD_ITEM
#undef I
#undef F
