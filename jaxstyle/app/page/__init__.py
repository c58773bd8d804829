"""The page, over everything else of the studio. Only this part needs Gradio."""
