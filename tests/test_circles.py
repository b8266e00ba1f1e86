"""No module needs itself: imports have no circles, those of types and within functions included."""

import grimp


def test_no_modules_import_each_other():
    graph = grimp.build_graph("extractor", cache_dir=None)
    imports = {
        module: graph.find_modules_directly_imported_by(module)
        for module in graph.modules
    }
    # take away what imports nothing that is left; a circle stays
    while True:
        leaves = {module for module, needed in imports.items() if not needed}
        if not leaves:
            break
        imports = {
            module: needed - leaves
            for module, needed in imports.items()
            if module not in leaves
        }
    # and what only imports a circle
    imported = set().union(*imports.values())
    circles = {
        module: sorted(needed)
        for module, needed in imports.items()
        if module in imported
    }
    assert circles == {}
