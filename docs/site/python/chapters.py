def chapters_with_sources(): return {}
