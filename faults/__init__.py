"""The fault suite (`make faults`): what a kill, a second writer, a full disk or a damaged file may cost, and what they may not."""
